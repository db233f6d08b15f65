//! Data directories written by earlier versions open with all their data. Each fixture in
//! tests/fixtures was written by the binary of its version.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::hex;
use tempfile::TempDir;
use test_support::{Agent, Person, Runner};

#[tokio::test]
async fn a_data_directory_of_an_earlier_version_opens_with_everything_in_it() {
    for fixture in fixtures() {
        let expected: Value = serde_json::from_slice(&fs::read(fixture.join("expected.json")).unwrap()).unwrap();
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        copy_directory(&fixture.join("data"), &data);
        let runner = Runner::start(&data).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let [email, password, key, channel] =
            ["email", "password", "apiKey", "channelId"].map(|name| text(&expected["start"][name]));

        let owner = Person::signed_out(runner.text("url"), &email, &password);
        owner.sign_in().await.expect(200);
        let member = &expected["member"];
        let member = Person::signed_out(runner.text("url"), &text(&member["email"]), &text(&member["password"]));
        member.sign_in().await.expect(200);
        let agent = Agent::new(runner.text("url"), &key, &channel);

        for (path, before) in expected["agent"].as_object().unwrap() {
            assert_same(path, before, &agent.get(path).await.expect(200));
        }
        for (path, before) in expected["owner"].as_object().unwrap() {
            assert_same(path, before, &owner.get(path).await.expect(200));
        }
        for (file, sum) in expected["sha256"].as_object().unwrap() {
            let found = agent.get(&format!("/api/v1/files/{file}/download")).await;
            assert_eq!(found.status, 200);
            assert_eq!(&hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(&found.bytes)), sum.as_str().unwrap());
        }

        // New approvals work on the old data, too.
        let id = agent.request_approval().await;
        owner.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        assert_eq!(agent.wait(&id, 5_000).await.expect(200)["status"], "completed");
    }
}

fn fixtures() -> Vec<PathBuf> {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap();
    let mut found: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Copies a directory with everything in it.
pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &to)
        } else {
            drop(fs::copy(entry.path(), to))
        }
    }
}

/// Asserts that every earlier member still has its value; later versions may add members. Members
/// that change with time are ignored.
#[track_caller]
fn assert_same(place: &str, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let is_due = before.get("expiresAt").and_then(Value::as_str).is_some_and(is_past);
            for (name, value) in before {
                let changes_with_time =
                    matches!(name.as_str(), "lastUsedAt" | "lastActiveAt" | "updatedAt" | "deliveryStatus");
                let has_expired = is_due && before["status"] == "pending";
                if !changes_with_time && !has_expired {
                    assert_same(&format!("{place}.{name}"), value, after.get(name).unwrap_or(&Value::Null));
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if place.contains("/reviews/pending") => {
            // Some of them have expired since.
            assert!(after.len() <= before.len());
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "{place}");
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                assert_same(&format!("{place}[{index}]"), before, after);
            }
        }
        _ => assert_eq!(before, after, "{place}"),
    }
}

/// The API's timestamps sort as strings.
fn is_past(time: &str) -> bool {
    time < Clock::system().now().to_string().as_str()
}
