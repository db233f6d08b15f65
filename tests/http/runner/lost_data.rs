//! Starts of `placet-local` on a data directory with missing or damaged parts: reported, or refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use test_support::{Agent, Runner};
use tokio::io::AsyncReadExt;

use crate::runner::earlier_data::copy_directory;

/// Runs the runner until it refuses to start; returns its standard error.
async fn refused_start(dir: &Path) -> String {
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(dir).env("NO_COLOR", "1").kill_on_drop(true);
    let output = tokio::time::timeout(std::time::Duration::from_secs(30), command.output()).await;
    let output = output.expect("the runner refuses to start").unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

/// Starts the runner, stops it once it serves, and returns its log.
async fn log_of_start(dir: &Path, more: &[&str]) -> String {
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(dir).args(more);
    command.env("NO_COLOR", "1").stderr(Stdio::piped());
    let mut runner = Runner::from(command).await;
    let mut stderr = runner.child.stderr.take().unwrap();
    assert_eq!(runner.terminate().await, Some(0));
    let mut log = String::new();
    stderr.read_to_string(&mut log).await.unwrap();
    log
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A data directory with a message and a file, whose runner was stopped.
async fn data_directory(root: &Path, name: &str) -> PathBuf {
    let dir = root.join(name);
    let mut runner = Runner::start(&dir).await;
    let agent = runner.agent();
    let file = agent.store_file().await;
    agent.create_message(json!({ "text": "?", "attachmentIds": [file] })).await;
    assert_eq!(runner.terminate().await, Some(0));
    dir
}

fn remove(path: &Path) {
    if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
}

#[tokio::test]
async fn a_start_with_a_missing_part_refuses_and_creates_nothing() {
    let root = TempDir::new().unwrap();
    let whole = data_directory(root.path(), "whole").await;
    for part in ["dynamodb.sqlite", "queues.sqlite", "s3", "s3/placet", "secret"] {
        for emptied in [false, true] {
            let dir = root.path().join("copy");
            copy_directory(&whole, &dir);
            remove(&dir.join(part));
            if emptied && !part.starts_with("s3") {
                fs::write(dir.join(part), "").unwrap();
            }
            let before = names(&dir);
            let stderr = refused_start(&dir).await;
            assert!(stderr.contains(part) && stderr.contains("missing or empty"), "{part}: {stderr}");
            assert!(stderr.contains("backup") && stderr.contains("--data-dir"), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert_eq!(names(&dir), before, "{part}");
            fs::remove_dir_all(&dir).unwrap();
        }
    }
    // The complete directory opens and logs nothing but its stop.
    let log = log_of_start(&whole, &[]).await;
    assert!(log.lines().all(|line| line.contains("stopping")), "{log}");
}

#[tokio::test]
async fn a_start_with_a_part_of_another_installation_refuses() {
    let root = TempDir::new().unwrap();
    let (whole, other) = (data_directory(root.path(), "whole").await, data_directory(root.path(), "other").await);
    for part in ["dynamodb.sqlite", "queues.sqlite", "s3", "secret", "instance.json"] {
        let dir = root.path().join("copy");
        copy_directory(&whole, &dir);
        remove(&dir.join(part));
        if other.join(part).is_dir() {
            copy_directory(&other.join(part), &dir.join(part));
        } else {
            fs::copy(other.join(part), dir.join(part)).unwrap();
        }
        let stderr = refused_start(&dir).await;
        let named = if part == "instance.json" { "dynamodb.sqlite" } else { part };
        assert!(stderr.contains("Data was lost from") && stderr.contains(named), "{part}: {stderr}");
        // Each start is refused until one accepts the loss.
        assert!(refused_start(&dir).await.contains(named));
        let log = log_of_start(&dir, &["--accept-data-loss"]).await;
        assert!(log.contains("although"), "{log}");
        let log = log_of_start(&dir, &[]).await;
        assert!(!log.contains("although") && !log.contains("lost"), "{log}");
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test]
async fn an_empty_database_beside_files_is_reported_as_lost_data() {
    let root = TempDir::new().unwrap();
    let dir = data_directory(root.path(), "data").await;
    for name in ["dynamodb.sqlite", "instance.json", "s3/instance"] {
        remove(&dir.join(name));
    }
    assert!(refused_start(&dir).await.contains("s3 has files and dynamodb.sqlite has no accounts"));
}

#[tokio::test]
async fn a_missing_instance_file_is_written_again() {
    let root = TempDir::new().unwrap();
    let dir = data_directory(root.path(), "data").await;
    let before = fs::read(dir.join("instance.json")).unwrap();
    remove(&dir.join("instance.json"));
    let mut runner = Runner::start(&dir).await;
    runner.agent().request_approval().await;
    assert_eq!(fs::read(dir.join("instance.json")).unwrap(), before);
    assert_eq!(runner.terminate().await, Some(0));
}

#[tokio::test]
async fn a_damaged_database_refuses_to_start() {
    let root = TempDir::new().unwrap();
    let whole = data_directory(root.path(), "whole").await;
    for name in ["dynamodb.sqlite", "queues.sqlite"] {
        let sound = fs::read(whole.join(name)).unwrap();
        for (at, length) in [(0, 100), (4096, 4096), (sound.len() / 2, 4096), (100, sound.len() - 100)] {
            let dir = root.path().join("copy");
            copy_directory(&whole, &dir);
            let mut damaged = sound.clone();
            let end = (at + length).min(damaged.len());
            damaged[at..end].fill(0xa5);
            fs::write(dir.join(name), &damaged).unwrap();
            let stderr = refused_start(&dir).await;
            assert!(stderr.contains(name) && stderr.contains("is damaged"), "{name} {at}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert_eq!(fs::read(dir.join(name)).unwrap(), damaged, "the damaged file is left unchanged");
            fs::remove_dir_all(&dir).unwrap();
        }
    }
}

/// A data directory whose runner was killed after it acknowledged these messages.
async fn killed_directory(root: &Path) -> (PathBuf, Agent, Vec<String>) {
    let dir = root.join("killed");
    let mut runner = Runner::start(&dir).await;
    let agent = runner.agent();
    let mut sent = vec![];
    // Few enough for SQLite not to restart its write-ahead log.
    for _ in 0..15 {
        sent.push(agent.request_approval().await);
    }
    runner.kill().await;
    (dir, agent, sent)
}

#[tokio::test]
async fn dropped_records_are_reported_after_recovery() {
    let root = TempDir::new().unwrap();
    let (whole, _, _) = killed_directory(root.path()).await;
    let log = fs::read(whole.join("dynamodb.sqlite-wal")).unwrap();
    let half = log.len() / 2;
    let mut overwritten = log.clone();
    overwritten[half..half + 5000].fill(0);
    let mut headless = log.clone();
    headless[..32].fill(7);
    for (what, bytes, expected) in [
        ("nothing", Some(log.clone()), "shows no damage"),
        ("missing", None, "is missing: changes since the last checkpoint are lost"),
        ("emptied", Some(vec![]), "is missing: changes since the last checkpoint are lost"),
        ("overwritten", Some(overwritten), "is damaged"),
        ("headless", Some(headless), "is damaged"),
        ("cut", Some(log[..half].to_vec()), "dynamodb.sqlite is older than"),
    ] {
        let dir = root.path().join("copy");
        copy_directory(&whole, &dir);
        remove(&dir.join("dynamodb.sqlite-wal"));
        let _ = fs::remove_file(dir.join("dynamodb.sqlite-shm"));
        if let Some(bytes) = bytes {
            fs::write(dir.join("dynamodb.sqlite-wal"), bytes).unwrap();
        }
        let mut command = Runner::command();
        command.args(["--json", "--port", "0", "--data-dir"]).arg(&dir).env("NO_COLOR", "1").stderr(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        // Until it serves or has refused: the database may be older than the other parts.
        let mut byte = [0; 1];
        let _ = stdout.read(&mut byte).await.unwrap();
        child.start_kill().unwrap();
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.unwrap();
        assert!(log.contains(expected), "{what}: {log}");
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_and_reports_no_loss() {
    let root = TempDir::new().unwrap();
    let (dir, agent, sent) = killed_directory(root.path()).await;
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(&dir).env("NO_COLOR", "1").stderr(Stdio::piped());
    let mut runner = Runner::from(command).await;
    let mut stderr = runner.child.stderr.take().unwrap();
    let agent = agent.at(runner.text("url"));
    for id in sent {
        agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    }
    assert_eq!(runner.terminate().await, Some(0));
    let mut log = String::new();
    stderr.read_to_string(&mut log).await.unwrap();
    assert!(log.contains("was not stopped cleanly"), "{log}");
    assert!(!log.contains("lost") && !log.contains("damaged") && !log.contains("older"), "{log}");
    // After a clean stop, the next start logs nothing but its stop.
    let log = log_of_start(&dir, &[]).await;
    assert!(log.lines().all(|line| line.contains("stopping")), "{log}");
}
