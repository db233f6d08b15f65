//! Data directories written by earlier versions open with all their data. Each fixture in
//! tests/fixtures was written by the binary of its version.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo::version::{ATTRIBUTE, VERSION};
use placet_local::engines::{Engines, TABLE};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::hex;
use shared::storage::keys;
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

        // The history has the decisions of earlier versions, by agent and by time, too.
        let history = owner.get("/api/messages/reviews/history?from=2020-01-01T00:00:00Z").await.expect(200);
        let decided = history["data"].as_array().unwrap();
        assert!(decided.len() >= 4, "{history}");
        assert!(decided.is_sorted_by_key(|it| std::cmp::Reverse(it["outcome"]["at"].as_str().unwrap().to_owned())));
        let of_agent = owner.get(&format!("/api/messages/reviews/history?channel={channel}&status=completed")).await;
        assert_eq!(of_agent.expect(200)["data"].as_array().unwrap().len(), 3);

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

/// The table of a data directory whose runner has stopped, for a look without the service.
async fn with_table<T>(data: &Path, read: impl AsyncFnOnce(aws_sdk_dynamodb::Client) -> T) -> T {
    let engines = Engines::start(data).await.unwrap();
    let read = read(engines.clients().await.unwrap().dynamodb).await;
    engines.stop().await;
    read
}

#[tokio::test]
async fn a_start_migrates_the_data_of_an_earlier_version() {
    for fixture in fixtures() {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        copy_directory(&fixture.join("data"), &data);
        let mut runner = Runner::start(&data).await;
        assert_eq!(runner.terminate().await, Some(0));
        let items = with_table(&data, async |client| {
            let scan = client.scan().table_name(TABLE).consistent_read(true).into_paginator().items().send();
            scan.collect::<Result<Vec<_>, _>>().await.unwrap()
        });
        let items = items.await;
        assert!(items.len() > 20, "{}", items.len());
        for item in items {
            let version = item.get(ATTRIBUTE).and_then(|version| version.as_n().ok()).cloned();
            assert_eq!(version, Some(VERSION.to_string()), "{:?} {:?}", item["pk"], item["sk"]);
        }
    }
}

#[tokio::test]
async fn a_start_on_data_of_a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    assert_eq!(runner.terminate().await, Some(0));
    let set_version = async |version: u32| {
        with_table(dir.path(), async |client| {
            let update = client.update_item().table_name(TABLE).set_key(Some(keys::schema().attributes()));
            let update = update.update_expression("SET #version = :version");
            let update = update.expression_attribute_names("#version", "version");
            update
                .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
                .send()
                .await
                .unwrap();
        })
        .await;
    };
    set_version(VERSION + 1).await;
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(dir.path()).env("NO_COLOR", "1");
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await.expect("it refuses").unwrap();
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{sentence}");
    assert!(sentence.contains("was used by a newer version of this program"), "{sentence}");
    set_version(VERSION).await;
    Runner::start(dir.path()).await;
}
