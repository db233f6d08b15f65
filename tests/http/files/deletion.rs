//! `DELETE /api/files/{id}` and `POST /api/files/bulk-delete`

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::aws::{Clients, Endpoints};
use shared::ids::AgentId;
use shared::models::Attachment;
use shared::storage::keys::{self, Key};
use shared::storage::{Blobs, Store, Table};
use test_support::{Agent, Item, Person, World};

use crate::files::direct_uploads::{announce, put};

/// The size of a file's object in the bucket, if there is one.
async fn stored_size(world: &World, file: &Attachment) -> Option<i64> {
    let head = world.clients.s3.head_object().bucket(world.bucket()).key(&file.storage_key).send().await;
    match head {
        Ok(head) => head.content_length(),
        Err(err) => {
            assert!(err.into_service_error().is_not_found());
            None
        }
    }
}

async fn attachment_ids(agent: &Agent, message: &str) -> Vec<Value> {
    let message = agent.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    message["attachments"].as_array().unwrap().iter().map(|file| file["id"].clone()).collect()
}

async fn store_files(agent: &Agent, count: usize) -> Vec<String> {
    let mut ids = vec![];
    while ids.len() < count {
        // As many at a time as every engine accepts.
        let some = (ids.len()..count.min(ids.len() + 10)).map(|_| agent.store_file());
        ids.extend(join_all(some).await);
    }
    ids
}

#[tokio::test]
async fn a_deleted_file_is_gone() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    let file = agent.store_file().await;
    let path = format!("/api/files/{file}");
    stranger.delete(&path).await.expect_error(404, "not_found");
    person.get(&format!("{path}/download")).await.expect(200);
    let deleted = person.delete(&path).await;
    assert_eq!(deleted.expect(200), json!({ "message": "Deleted" }));
    assert_eq!(deleted.calls_and_round_trips(), (2, 2));
    person.get(&format!("{path}/download")).await.expect_error(404, "not_found");
    assert_eq!(person.get("/api/files").await.expect(200)["data"], json!([]));
    assert_eq!(agent.send(json!({ "attachmentIds": [file] })).await.expect_invalid(), ["attachmentIds.0"]);
    person.delete(&path).await.expect_error(404, "not_found");
    person.delete("/api/files/nonsense").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_deleted_file_leaves_its_message() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let files = store_files(&agent, 3).await;
    let message = agent.create_message(json!({ "text": "three", "attachmentIds": files })).await;
    let deleted = person.delete(&format!("/api/files/{}", files[1])).await;
    deleted.expect(200);
    // The access check with the file, the message, and the write.
    assert_eq!(deleted.calls_and_round_trips(), (3, 3));
    assert_eq!(attachment_ids(&agent, &message).await, [json!(files[0]), json!(files[2])]);
    // The message and its other files are unchanged.
    agent.get(&format!("/api/v1/files/{}/download", files[2])).await.expect(200);
    agent.delete_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    person.delete(&format!("/api/files/{}", files[0])).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn files_of_one_message_can_be_deleted_at_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let files = store_files(&agent, 5).await;
    let message = agent.create_message(json!({ "text": "five", "attachmentIds": files })).await;
    let deletes = files[1..].iter().map(|file| {
        let path = format!("/api/files/{file}");
        let person = person.clone();
        async move { person.delete(&path).await.status }
    });
    assert_eq!(join_all(deletes).await, [200; 4]);
    assert_eq!(attachment_ids(&agent, &message).await, [json!(files[0])]);
}

#[tokio::test]
async fn concurrent_delete_and_attach_have_one_outcome() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..5 {
        let file = agent.store_file().await;
        let path = format!("/api/files/{file}");
        let (deleted, sent) =
            tokio::join!(person.delete(&path), agent.send(json!({ "text": "x", "attachmentIds": [file] })));
        deleted.expect(200);
        assert!([201, 400].contains(&sent.status), "{}", sent.text());
        if sent.status == 201 {
            assert_eq!(attachment_ids(&agent, sent.json()["id"].as_str().unwrap()).await, Vec::<Value>::new());
        }
        person.get(&format!("{path}/download")).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn a_deletion_interrupted_after_the_bytes_can_be_repeated() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.upload("store", "a", "text/plain", "x").await.expect(201);
    let message = agent.create_message(json!({ "text": "x", "attachmentIds": [file["id"]] })).await;
    let bytes: Attachment = serde_json::from_value(file.clone()).unwrap();
    world.app.blobs.delete(&[bytes]).await.unwrap();
    person.delete(&format!("/api/files/{}", file["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(attachment_ids(&agent, &message).await, Vec::<Value>::new());
}

/// The person at a service whose bucket is unreachable.
async fn without_bucket(world: &World, person: &Person) -> Person {
    let mut app = world.app.clone();
    let endpoints = Endpoints {
        dynamodb: "http://127.0.0.1:9".into(),
        s3: "http://127.0.0.1:9".into(),
        sqs: "http://127.0.0.1:9".into(),
        access_key: "x".into(),
        secret_key: "y".into(),
        in_process: None,
    };
    let blobs = Blobs::new(Clients::at(&endpoints).await.s3, "unreachable");
    app.store = Store::new(Table::new(world.clients.dynamodb.clone(), &world.table), blobs.clone(), app.clock.clone());
    app.blobs = blobs;
    person.at(&world.serve_also(placet_local::routes(), app).await)
}

async fn cleanup_records(world: &World, agent: &Agent) -> Vec<Key> {
    let channel: AgentId = agent.channel.parse().unwrap();
    let items = world.items(keys::channel_partition(channel), keys::CLEANUPS).await;
    let part = |item: &Item, name: &str| item[name].as_s().unwrap().clone();
    items.iter().map(|item| Key { pk: part(item, "pk"), sk: part(item, "sk") }).collect()
}

#[tokio::test]
async fn bytes_that_could_not_be_deleted_are_recorded_and_deleted_later() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.upload("store", "a", "text/plain", "x").await.expect(201);
    let object: Attachment = serde_json::from_value(file.clone()).unwrap();
    let path = format!("/api/files/{}", object.id);
    without_bucket(&world, &person).await.delete(&path).await.expect(200);
    // The file is gone although its bytes still exist.
    person.get(&format!("{path}/download")).await.expect_error(404, "not_found");
    assert_eq!(stored_size(&world, &object).await, Some(1));
    let left = cleanup_records(&world, &agent).await;
    assert_eq!(left.len(), 1);
    assert!(world.app.store.files().finish_cleanup(&left[0]).await.unwrap());
    assert!(!world.app.store.files().finish_cleanup(&left[0]).await.unwrap());
    assert_eq!(stored_size(&world, &object).await, None);
    assert!(cleanup_records(&world, &agent).await.is_empty());
}

#[tokio::test]
async fn a_bulk_delete_can_be_repeated() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let (one, two) = (person.agent().await, person.agent().await);
    let foreign = stranger.agent().await.store_file().await;
    let mut ids = [store_files(&one, 50).await, store_files(&two, 50).await].concat();
    let message = one.create_message(json!({ "text": "x", "attachmentIds": ids[..40] })).await;

    let post = async |ids: &[String]| person.post("/api/files/bulk-delete", json!({ "ids": ids })).await;
    // Foreign and malformed ids count as already deleted.
    ids[98] = foreign.clone();
    ids[99] = "nonsense".to_owned();
    let deleted = post(&ids).await;
    assert_eq!(deleted.expect(201), json!({ "message": "Deleted", "count": 98 }));
    assert_eq!(attachment_ids(&one, &message).await, Vec::<Value>::new());
    assert_eq!(person.get("/api/files").await.expect(200)["data"].as_array().unwrap().len(), 2);
    stranger.get(&format!("/api/files/{foreign}/download")).await.expect(200);
    assert_eq!(post(&ids).await.expect(201)["count"], 0);
}

#[tokio::test]
async fn a_bulk_delete_takes_at_most_100_files() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let ids = store_files(&agent, 100).await;
    let post = async |ids: Value| person.post("/api/files/bulk-delete", json!({ "ids": ids })).await;
    assert_eq!(post(json!([])).await.expect_invalid(), ["ids"]);
    assert_eq!(post(json!(null)).await.expect_invalid(), ["ids"]);
    assert_eq!(post(json!([ids[0], ids[0]])).await.expect_invalid(), ["ids.1"]);
    assert_eq!(post(json!(vec!["x"; 101])).await.expect_invalid(), ["ids"]);
    assert_eq!(post(json!(ids)).await.expect(201)["count"], 100);
    assert_eq!(person.get("/api/files").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn an_announced_file_can_be_deleted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let announced = announce(&agent, "a", "text/plain", 1).await;
    person.delete(&format!("/api/files/{}", announced["attachment"]["id"].as_str().unwrap())).await.expect(200);
    // Bytes that arrive later belong to no file; the cleanup record remains to delete them.
    put(&announced, vec![1]).await.expect(200);
    let path = format!("/api/files/{}/download", announced["attachment"]["id"].as_str().unwrap());
    person.get(&path).await.expect_error(404, "not_found");
    let object: Attachment = serde_json::from_value(announced["attachment"].clone()).unwrap();
    let left = cleanup_records(&world, &agent).await;
    assert_eq!(left.len(), 1);
    world.app.store.files().finish_cleanup(&left[0]).await.unwrap();
    assert_eq!(stored_size(&world, &object).await, None);
}
