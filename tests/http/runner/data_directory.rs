//! Where `placet-local` keeps its data directory, and how it handles one that an earlier version
//! left in the working directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use test_support::{Agent, Person, Runner};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::runner::credentials::is_in_any_file;
use crate::runner::earlier_data::copy_directory;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/2026-11-28/data")
}

/// A runner command whose home and working directories are under `root`.
fn command_with_home(root: &Path) -> Command {
    for name in ["home", "work"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    let mut command = Runner::command();
    command.args(["--json", "--port", "0"]).env("NO_COLOR", "1").env("HOME", root.join("home"));
    command.env_remove("XDG_DATA_HOME").current_dir(root.join("work")).stderr(Stdio::piped());
    command
}

/// Starts and stops the runner; returns its startup JSON and its log.
async fn start_and_stop(command: Command) -> (Value, String) {
    let mut runner = Runner::from(command).await;
    let mut stderr = runner.child.stderr.take().unwrap();
    assert_eq!(runner.terminate().await, Some(0));
    let mut log = String::new();
    stderr.read_to_string(&mut log).await.unwrap();
    (runner.startup.clone(), log)
}

#[cfg(not(target_os = "macos"))]
const DEFAULT_DIRECTORY: &str = "home/.local/share/placet";
#[cfg(target_os = "macos")]
const DEFAULT_DIRECTORY: &str = "home/Library/Application Support/placet";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn data_is_kept_in_the_platforms_data_directory() {
    let root = TempDir::new().unwrap();
    let (first, log) = start_and_stop(command_with_home(root.path())).await;
    assert!(!log.contains("data directory is"), "{log}");
    assert_eq!(fs::read_dir(root.path().join("work")).unwrap().count(), 0);
    assert_eq!(mode(&root.path().join(DEFAULT_DIRECTORY)), 0o700);
    let (second, _) = start_and_stop(command_with_home(root.path())).await;
    assert_eq!((&second["channelId"], &second["apiKey"]), (&first["channelId"], &Value::Null));
    // The XDG specification says to ignore a relative path.
    let mut command = command_with_home(root.path());
    command.env("XDG_DATA_HOME", "share");
    assert_eq!(start_and_stop(command).await.0["channelId"], first["channelId"]);
    if cfg!(not(target_os = "macos")) {
        let mut command = command_with_home(root.path());
        command.env("XDG_DATA_HOME", root.path().join("share"));
        assert!(start_and_stop(command).await.0["apiKey"].is_string());
        assert!(root.path().join("share/placet/dynamodb.sqlite").exists());
    }
}

#[tokio::test]
async fn a_directory_of_an_earlier_version_is_used_with_a_warning() {
    let root = TempDir::new().unwrap();
    let former = root.path().join("work/.placet");
    copy_directory(&fixture(), &former);
    fs::set_permissions(&former, Permissions::from_mode(0o755)).unwrap();
    let previous: Value = serde_json::from_slice(&fs::read(former.join("owner.json")).unwrap()).unwrap();
    let text = |name: &str| previous[name].as_str().unwrap().to_owned();

    let mut runner = Runner::from(command_with_home(root.path())).await;
    assert_eq!((&runner.startup["email"], &runner.startup["channelId"]), (&previous["email"], &previous["channelId"]));
    assert_eq!((&runner.startup["password"], &runner.startup["apiKey"]), (&Value::Null, &Value::Null));
    let url = runner.text("url").to_owned();
    Person::signed_out(&url, &text("email"), &text("password")).sign_in().await.expect(200);
    Agent::new(&url, &text("apiKey"), &text("channelId")).request_approval().await;
    let mut stderr = runner.child.stderr.take().unwrap();
    assert_eq!(runner.terminate().await, Some(0));
    let mut log = String::new();
    stderr.read_to_string(&mut log).await.unwrap();
    for part in ["the default of earlier versions", "mv ", "owner.json was deleted", "plain text"] {
        assert!(log.contains(part), "{part} is missing: {log}");
    }
    assert!(!log.contains(&text("password")) && !log.contains(&text("apiKey")), "{log}");
    assert!(!former.join("owner.json").exists() && !is_in_any_file(&former, &text("password")));
    assert_eq!(mode(&former), 0o700);
    assert!(!root.path().join(DEFAULT_DIRECTORY).exists());

    // After the move that the warning suggests, the runner uses the new place and ignores the old one.
    let default = root.path().join(DEFAULT_DIRECTORY);
    fs::create_dir_all(default.parent().unwrap()).unwrap();
    fs::rename(&former, &default).unwrap();
    copy_directory(&fixture(), &former);
    let (moved, log) = start_and_stop(command_with_home(root.path())).await;
    assert_eq!((&moved["channelId"], &moved["apiKey"]), (&previous["channelId"], &Value::Null));
    assert!(log.contains("is not used: the data directory is"), "{log}");
    assert!(former.join("owner.json").exists());
}

#[tokio::test]
async fn credentials_without_a_user_in_the_table_are_reported_as_lost_data() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("data");
    for lose in ["dynamodb.sqlite", "queues.sqlite", "secret", "s3", "nothing"] {
        copy_directory(&fixture(), &data);
        if lose == "nothing" {
            // The database of another installation.
            let other = root.path().join("other");
            Runner::start(&other).await.terminate().await;
            fs::copy(other.join("dynamodb.sqlite"), data.join("dynamodb.sqlite")).unwrap();
            for id in ["s3/instance", "instance.json"] {
                let _ = fs::remove_file(data.join(id));
            }
        } else if lose == "s3" {
            fs::remove_dir_all(data.join(lose)).unwrap();
        } else {
            fs::remove_file(data.join(lose)).unwrap();
        }
        let mut command = Runner::command();
        let output = command.args(["--port", "0", "--data-dir"]).arg(&data).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("Data was lost from") && stderr.lines().count() == 1, "{stderr}");
        assert!(data.join("owner.json").exists());
        fs::remove_dir_all(&data).unwrap();
    }
}

/// Earlier versions did not start without `owner.json`.
#[tokio::test]
async fn a_lost_owner_file_loses_no_installation() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("data");
    copy_directory(&fixture(), &data);
    fs::remove_file(data.join("owner.json")).unwrap();
    Runner::start(&data).await.terminate().await;
    let mut command = Runner::command();
    let output = command.args(["reset-password", "--json", "--data-dir"]).arg(&data).output().await.unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runner = Runner::start(&data).await;
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    Person::signed_out(runner.text("url"), &text("email"), &text("password")).sign_in().await.expect(200);
    drop(runner);
    // A missing secret is reported even though `owner.json` is missing too.
    fs::remove_dir_all(&data).unwrap();
    copy_directory(&fixture(), &data);
    for name in ["owner.json", "secret"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let mut command = Runner::command();
    let output = command.args(["--port", "0", "--data-dir"]).arg(&data).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("secret is missing") && !data.join("secret").exists(), "{stderr}");
}

#[tokio::test]
async fn an_interrupted_first_start_is_finished() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("data");
    copy_directory(&fixture(), &data);
    let previous: Value = serde_json::from_slice(&fs::read(data.join("owner.json")).unwrap()).unwrap();
    let unfinished = serde_json::json!({ "email": previous["email"], "password": previous["password"],
        "apiKey": null, "channelId": null });
    fs::write(data.join("owner.json"), unfinished.to_string()).unwrap();
    let runner = Runner::start(&data).await;
    assert_eq!(runner.startup["email"], previous["email"]);
    runner.agent().request_approval().await;
    runner.person().await;
    assert!(!data.join("owner.json").exists());
}
