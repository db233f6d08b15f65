//! `modifiedFileIds` of an answer: files named in a stored answer are kept, and a refused answer does
//! not change them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::ids::FileId;
use shared::storage::keys;
use test_support::{Agent, Person, Reply, World};

use crate::files::direct_uploads::{announce, put};

async fn answer(person: &Person, review: &str, files: &[impl AsRef<str>]) -> Reply {
    let files: Vec<&str> = files.iter().map(AsRef::as_ref).collect();
    let body = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": files });
    person.post(&format!("/api/messages/{review}/respond"), body).await
}

/// The item of a file.
async fn file_item(world: &World, file: &str) -> HashMap<String, AttributeValue> {
    let get = world.clients.dynamodb.get_item().table_name(&world.table).consistent_read(true);
    let get = get.set_key(Some(keys::file(file.parse().unwrap()).attributes()));
    get.send().await.unwrap().item.unwrap()
}

/// Creates a direct upload, and its bytes if `arrived`; returns the file's id.
async fn create_direct_upload(agent: &Agent, arrived: bool) -> String {
    let announced = announce(agent, "a", "text/plain", 1).await;
    if arrived {
        put(&announced, vec![1]).await.expect(200);
    }
    announced["attachment"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_named_in_an_answer_is_confirmed_and_kept() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (review, stored, presigned) =
        (agent.request_approval().await, agent.store_file().await, create_direct_upload(&agent, true).await);
    let answered = answer(&person, &review, &[&stored, &presigned]).await;
    assert_eq!(answered.expect(201)["review"]["modifiedFileIds"], json!([stored, presigned]));
    // The access check with the named files, the write, and the updated message.
    assert_eq!(answered.calls_and_round_trips(), (3, 3));
    for file in [&stored, &presigned] {
        let item = file_item(&world, file).await;
        for attribute in ["dueShard", "dueSort", "announced"] {
            assert!(!item.contains_key(attribute), "{attribute}: {item:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_answer_leaves_its_files_as_they_were() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other, stranger) = (person.agent().await, person.agent().await, world.person().await.agent().await);
    let review = agent.request_approval().await;
    let (stored, arrived, missing) =
        (agent.store_file().await, create_direct_upload(&agent, true).await, create_direct_upload(&agent, false).await);
    let before =
        [file_item(&world, &stored).await, file_item(&world, &arrived).await, file_item(&world, &missing).await];
    let never = FileId::new(agent.channel.parse().unwrap(), Timestamp::from_millis(0)).to_string();
    let (others, strangers) = (other.store_file().await, stranger.store_file().await);
    let named = [&stored, &arrived, &missing, &others, &strangers, &never, &"nonsense".to_owned()];
    let refused = answer(&person, &review, &named).await;
    let wrong: Vec<String> = (2..7).map(|index| format!("modifiedFileIds.{index}")).collect();
    assert_eq!(refused.expect_invalid(), wrong);
    let codes: Vec<Value> = refused.json()["errors"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, ["not_uploaded", "unknown_file", "unknown_file", "unknown_file", "unknown_file"]);

    // The same holds for an invalid option and for a decided review.
    let path = format!("/api/messages/{review}/respond");
    let odd = json!({ "response": { "selectedOption": "perhaps" }, "modifiedFileIds": [arrived] });
    person.post(&path, odd).await.expect_invalid();
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200)["review"]["status"],
        "pending"
    );
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    answer(&person, &review, &[&arrived]).await.expect_error(403, "review_already_responded");

    let after =
        [file_item(&world, &stored).await, file_item(&world, &arrived).await, file_item(&world, &missing).await];
    assert_eq!(before, after);
    assert!(after[1].contains_key("announced"), "the direct upload is unused");
    agent.create_message(json!({ "attachmentIds": [stored, arrived] })).await;
}

#[tokio::test]
async fn a_refused_message_or_archive_leaves_direct_uploads_pending() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (arrived, missing) = (create_direct_upload(&agent, true).await, create_direct_upload(&agent, false).await);
    let before = file_item(&world, &arrived).await;
    let refused = agent.send(json!({ "attachmentIds": [arrived, missing] })).await;
    assert_eq!(refused.expect_invalid(), ["attachmentIds.1"]);
    let refused = person.post("/api/files/bulk-download", json!({ "ids": [arrived, missing] })).await;
    assert_eq!(refused.expect_invalid(), ["ids.1"]);
    assert_eq!(file_item(&world, &arrived).await, before);
}

#[tokio::test]
async fn an_answer_names_a_file_once_and_not_too_many() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    assert_eq!(answer(&person, &review, &[&file, &file]).await.expect_invalid(), ["modifiedFileIds.1"]);
    let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    assert_eq!(answer(&person, &review, &many).await.expect_invalid(), ["modifiedFileIds"]);
}

#[tokio::test]
async fn of_concurrent_answers_naming_a_file_one_succeeds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..3 {
        let (review, file) = (agent.request_approval().await, agent.store_file().await);
        let answers = (0..4).map(|_| answer(&person, &review, std::slice::from_ref(&file)));
        let replies = join_all(answers).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        for loser in replies.iter().filter(|reply| reply.status != 201) {
            loser.expect_error(403, "review_already_responded");
        }
    }
}

#[tokio::test]
async fn concurrent_answer_and_message_claim_a_file_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..4 {
        let (review, file) = (agent.request_approval().await, agent.store_file().await);
        let (answered, sent) = tokio::join!(
            answer(&person, &review, std::slice::from_ref(&file)),
            agent.send(json!({ "attachmentIds": [file] }))
        );
        answered.expect(201);
        sent.expect(201);
        let item = file_item(&world, &file).await;
        assert_eq!(item["messageId"].as_s().unwrap(), sent.json()["id"].as_str().unwrap());
        assert!(!item.contains_key("dueSort"), "{item:?}");
    }
}

#[tokio::test]
async fn edits_may_be_named_by_their_originals_and_come_back_as_they_were_given() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (original, edited, other) = (agent.store_file().await, agent.store_file().await, agent.store_file().await);
    let review = agent.request_approval().await;
    let edits = json!({ &original: edited, "a name of the agent's own": other, "the same": edited });
    let body = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": edits });
    let answered = person.post(&format!("/api/messages/{review}/respond"), body).await.expect(201);
    assert_eq!(answered["review"]["modifiedFileIds"], edits);
    let waited = agent.wait(&review, 1000).await.expect(200);
    assert_eq!(waited["message"]["review"]["modifiedFileIds"], edits);
    let read = agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200);
    assert_eq!(read["review"]["modifiedFileIds"], edits);
    // Files named in the answer are kept; others still expire.
    for (file, stays) in [(&edited, true), (&other, true), (&original, false)] {
        assert_eq!(!file_item(&world, file).await.contains_key("dueSort"), stays, "{file}");
    }
}

#[tokio::test]
async fn edits_that_cannot_be_used_are_named_by_their_originals() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    let path = format!("/api/messages/{review}/respond");
    let answer = |edits: Value| json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": edits });
    let refused = person.post(&path, answer(json!({ "a": file, "b": "fil_nothing", "c": "" }))).await;
    assert_eq!(refused.expect_invalid(), ["modifiedFileIds.b", "modifiedFileIds.c"]);
    for wrong in [json!({ "a": 1 }), json!({ "a": null }), json!({ "a": [file] }), json!("x"), json!(7)] {
        assert_eq!(person.post(&path, answer(wrong)).await.expect_invalid(), ["modifiedFileIds"]);
    }
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!(file))).collect();
    assert_eq!(person.post(&path, answer(Value::Object(many))).await.expect_invalid(), ["modifiedFileIds"]);
    let empty = person.post(&path, answer(json!({}))).await.expect(201);
    assert_eq!(empty["review"]["modifiedFileIds"], json!(null));
}
