//! Data directories that earlier versions made (tests/fixtures, each by its own binary) open with
//! everything in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::secrets::hex;
use tempfile::TempDir;
use test_support::{Agent, Person, Runner};

#[tokio::test]
async fn a_data_directory_of_an_earlier_version_opens_with_everything_in_it() {
    for fixture in fixtures() {
        let expected: Value = serde_json::from_slice(&fs::read(fixture.join("expected.json")).unwrap()).unwrap();
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        copy(&fixture.join("data"), &data);
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
            assert_eq!(&hex(&<sha2::Sha256 as sha2::Digest>::digest(&found.bytes)), sum.as_str().unwrap());
        }

        // What is asked from now on works on it, too.
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

/// Copies a directory.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { copy(&entry.path(), &to) } else { drop(fs::copy(entry.path(), to)) }
    }
}

/// Every member that was there before is there with the same value; later versions may add members.
/// What the passing of time changes by itself is left out.
#[track_caller]
fn assert_same(place: &str, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let is_due = before.get("expiresAt").and_then(Value::as_str).is_some_and(is_past);
            for (name, value) in before {
                let changes_by_itself =
                    matches!(name.as_str(), "lastUsedAt" | "lastActiveAt" | "updatedAt" | "deliveryStatus");
                let is_over = is_due && before["status"] == "pending";
                if !changes_by_itself && !is_over {
                    assert_same(&format!("{place}.{name}"), value, after.get(name).unwrap_or(&Value::Null));
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if place.contains("/reviews/pending") => {
            // Those that are still pending, in their order.
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

/// Times of the API sort as texts.
fn is_past(time: &str) -> bool {
    time < Clock::system().now().to_string().as_str()
}
