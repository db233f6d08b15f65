//! Credentials of `placet-local`: shown once, stored as hashes, and replaced with `reset-password`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Person, Runner};
use tokio::process::Command;

/// Whether any file under `dir` contains `text`.
pub fn is_in_any_file(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => is_in_any_file(&path, text),
        false => fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()),
    })
}

fn command_on(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Runner::command();
    command.args(arguments).arg("--data-dir").arg(dir).env("NO_COLOR", "1");
    command
}

/// Runs `placet-local reset-password`; returns its exit code, its JSON output and standard error.
async fn reset_password(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let mut command = command_on(dir, &["reset-password", "--json"]);
    let output = command.args(arguments).output().await.unwrap();
    let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), printed, String::from_utf8(output.stderr).unwrap())
}

async fn lock_out(url: &str, email: &str) {
    let guess = Person::signed_out(url, email, "not it");
    join_all((0..10).map(|_| guess.sign_in())).await;
    guess.sign_in().await.expect_error(429, "too_many_tries");
}

#[tokio::test]
async fn credentials_are_shown_at_the_first_start_and_are_in_no_file() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(dir.path()).await;
    let (password, key) = (first.text("password").to_owned(), first.text("apiKey").to_owned());
    assert!(!dir.path().join("owner.json").exists());
    assert!(!is_in_any_file(dir.path(), &password) && !is_in_any_file(dir.path(), &key));
    assert_eq!(first.terminate().await, Some(0));
    assert!(!is_in_any_file(dir.path(), &password) && !is_in_any_file(dir.path(), &key));
    for _ in 0..2 {
        let mut later = Runner::start(dir.path()).await;
        assert_eq!((&later.startup["password"], &later.startup["apiKey"]), (&Value::Null, &Value::Null));
        for same in ["email", "channelId"] {
            assert_eq!(later.startup[same], first.startup[same]);
        }
        // The first credentials are still valid; the runner remembers them from the first start.
        later.person().await;
        later.agent().request_approval().await;
        assert_eq!(later.terminate().await, Some(0));
    }
}

#[tokio::test]
async fn a_later_start_says_how_to_get_new_credentials() {
    let dir = TempDir::new().unwrap();
    Runner::start(dir.path()).await.terminate().await;
    let mut child = command_on(dir.path(), &["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    while !text.contains("Ctrl-C") {
        let mut part = [0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut stdout, &mut part).await.unwrap();
        assert!(read > 0, "the runner ended: {text}");
        text.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    let dir = dir.path().canonicalize().unwrap();
    for part in ["placet-local reset-password", "Settings > Keys", "owner@placet.local", dir.to_str().unwrap()] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(!text.contains("Password  "), "{text}");
}

#[tokio::test]
async fn a_chosen_password_is_not_printed() {
    let dir = TempDir::new().unwrap();
    let mut command = command_on(dir.path(), &["--json", "--port", "0"]);
    command.env("PLACET_OWNER_EMAIL", "me@home.example").env("PLACET_OWNER_PASSWORD", "my own password");
    let runner = Runner::from(command).await;
    assert_eq!(runner.startup["password"], Value::Null);
    assert!(runner.startup["apiKey"].is_string());
    Person::signed_out(runner.text("url"), "me@home.example", "my own password").sign_in().await.expect(200);
}

#[tokio::test]
async fn credentials_that_could_not_be_shown_are_replaced() {
    let dir = TempDir::new().unwrap();
    for _ in 0..2 {
        // Standard output is closed, so the credentials cannot be shown.
        let mut command = command_on(dir.path(), &["--json", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output =
            tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await.expect("the runner exits");
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("credentials cannot be shown"), "{stderr}");
    }
    let mut runner = Runner::start(dir.path()).await;
    assert_approval_works(&runner).await;
    let keys = runner.person().await.get("/api/api-keys").await.expect(200);
    assert_eq!(keys.as_array().unwrap().len(), 1, "a key that was never shown is left: {keys}");
    assert_eq!(runner.person().await.get("/api/users").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(runner.person().await.get("/api/agents").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(runner.terminate().await, Some(0));
}

/// Kills the first start at increasing delays. The next start must show working credentials unless
/// the killed one already did.
#[tokio::test]
async fn a_first_start_killed_at_any_moment_loses_no_installation() {
    for moment in 0..14 {
        let dir = TempDir::new().unwrap();
        let mut child = command_on(dir.path(), &["--json", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(25 * moment * (1 + moment / 6))).await;
        child.start_kill().unwrap();
        let printed = child.wait_with_output().await.unwrap().stdout;
        let earlier: Option<Value> = serde_json::from_slice(&printed).ok();
        let runner = Runner::start(dir.path()).await;
        if runner.startup["apiKey"].is_null() {
            let mut startup = earlier.expect("the killed start showed the credentials");
            startup["url"] = runner.startup["url"].clone();
            let text = |name: &str| startup[name].as_str().unwrap().to_owned();
            Person::signed_out(&text("url"), &text("email"), &text("password")).sign_in().await.expect(200);
            Agent::new(&text("url"), &text("apiKey"), &text("channelId")).request_approval().await;
        } else {
            assert_approval_works(&runner).await;
        }
    }
}

async fn assert_approval_works(runner: &Runner) {
    let id = runner.agent().request_approval().await;
    runner.person().await.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
}

#[tokio::test]
async fn a_forgotten_password_is_reset_on_the_machine() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(dir.path()).await;
    let (owner, agent) = (first.person().await, first.agent());
    let new = json!({ "email": "ben@people.example", "displayName": "Ben", "password": "ben's password" });
    owner.post("/api/users", new).await.expect(201);
    lock_out(first.text("url"), &owner.email).await;
    let (code, _, stderr) = reset_password(dir.path(), &[]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is in use by another placet-local"), "{stderr}");
    assert_eq!(first.terminate().await, Some(0));

    let (code, printed, stderr) = reset_password(dir.path(), &[]).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(printed["email"], json!(owner.email));
    let password = printed["password"].as_str().unwrap();
    assert!(password.len() >= 16 && !is_in_any_file(dir.path(), password));
    let second = Runner::start(dir.path()).await;
    let url = second.text("url");
    // The old password and session are rejected; the reset also ends the lockout.
    Person::signed_out(url, &owner.email, password).sign_in().await.expect(200);
    Person::signed_out(url, &owner.email, &owner.password).sign_in().await.expect_error(401, "wrong_credentials");
    owner.at(url).get("/api/auth/me").await.expect_error(401, "unauthorized");
    agent.at(url).request_approval().await;
    Person::signed_out(url, "ben@people.example", "ben's password").sign_in().await.expect(200);
    drop(second);

    let (code, printed, _) = reset_password(dir.path(), &["--email", " BEN@people.example"]).await;
    assert_eq!((code, &printed["email"]), (Some(0), &json!("ben@people.example")));
    let (code, printed_for_unknown, stderr) = reset_password(dir.path(), &["--email", "carla@people.example"]).await;
    assert_eq!((code, printed_for_unknown), (Some(1), Value::Null));
    assert!(
        stderr.contains("No account has the address carla@people.example") && stderr.contains(&owner.email),
        "{stderr}"
    );
    let third = Runner::start(dir.path()).await;
    let ben = printed["password"].as_str().unwrap();
    Person::signed_out(third.text("url"), "ben@people.example", ben).sign_in().await.expect(200);
    Person::signed_out(third.text("url"), &owner.email, password).sign_in().await.expect(200);
}

#[tokio::test]
async fn a_password_reset_needs_an_existing_data_directory() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing");
    let (code, _, stderr) = reset_password(&missing, &[]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("There is no data in"), "{stderr}");
    assert!(!missing.exists());
    let (code, _, stderr) = reset_password(dir.path(), &["--email", "nobody"]).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("not an e-mail address"), "{stderr}");
}

#[tokio::test]
async fn a_data_directory_is_locked_by_one_runner() {
    let dir = TempDir::new().unwrap();
    let _running = Runner::start(dir.path()).await;
    fs::remove_file(dir.path().join("lock")).unwrap();
    let output = command_on(dir.path(), &["--json", "--port", "0"]).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is in use by another placet-local"), "{stderr}");
}
