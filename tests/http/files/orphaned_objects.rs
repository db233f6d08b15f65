//! Bytes that nothing names: whatever fails on the way, none stay in the bucket, and none of those
//! go that an item names.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use expiry::Swept;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::error::Error;
use shared::models::NewFile;
use shared::models::file::FileLabel;
use shared::storage::keys::{FILES, LEFTOVERS, Prefix, channel_partition};
use shared::storage::{Begun, Draft};
use test_support::fault_injection::{Fault, FaultyService};
use test_support::{Agent, Reply, World};

const HOUR: Duration = Duration::from_secs(3600);
/// Every way in which bytes come with a call.
const WAYS: [&str; 4] = ["store", "upload", "store-text", "message"];
/// The calls of the engines, as their requests name them.
const WRITE: &str = "dynamodb_20120810.transactwriteitems";
const NOTE: &str = "dynamodb_20120810.putitem";
const PUT: &str = "put /";

async fn send_bytes(agent: &Agent, way: &str) -> Reply {
    match way {
        "store" | "upload" => agent.upload(way, "a", "text/plain", "x").await,
        "store-text" => {
            let body = json!({ "channelId": agent.channel, "content": "x" });
            agent.post("/api/v1/files/store-text", body).await
        }
        _ => agent.send(json!({ "text": "t", "textAttachments": [{ "content": "x" }, { "content": "y" }] })).await,
    }
}

/// Sends them as an agent who is told that storage failed; afterwards it works again.
async fn send_in_vain(faulty: &FaultyService, agent: &Agent, way: &str) {
    let behind = Agent::new(&faulty.url, &agent.key, &agent.channel);
    send_bytes(&behind, way).await.expect_error(503, "storage_unavailable");
    faulty.clear_fault();
}

/// What is there of a channel: objects, items of files, notes of bytes that are to go.
#[derive(Debug, PartialEq)]
struct There {
    objects: usize,
    files: usize,
    notes: usize,
}

const NOTHING: There = There { objects: 0, files: 0, notes: 0 };

async fn there(world: &World, agent: &Agent) -> There {
    let channel = agent.channel.parse().unwrap();
    let list = world.clients.s3.list_objects_v2().bucket(world.bucket());
    let objects = list.prefix(Prefix::Uploads(channel).to_string()).send().await.unwrap().contents.unwrap_or_default();
    let items = async |prefix: &str| {
        let query = world.clients.dynamodb.query().table_name(&world.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(channel_partition(channel)));
        let found = query.expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned())).send().await;
        found.unwrap().items().len()
    };
    There { objects: objects.len(), files: items(FILES).await, notes: items(LEFTOVERS).await }
}

async fn swept(world: &World) -> usize {
    let Swept { removals_finished, failed, .. } = expiry::handle(&world.function("expiry")).await.unwrap();
    assert_eq!(failed, 0);
    removals_finished
}

#[tokio::test]
async fn a_committed_upload_leaves_no_cleanup_record() {
    let world = World::isolated().await;
    let person = world.person().await;
    for way in WAYS {
        let agent = person.agent().await;
        send_bytes(&agent, way).await.expect(201);
        let There { objects, files, notes } = there(&world, &agent).await;
        assert_eq!((objects, notes), (files, 0), "{way}");
    }
}

#[tokio::test]
async fn bytes_without_an_item_are_deleted_later() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for way in WAYS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((WRITE, Fault::LostRequest)));
        send_in_vain(&faulty, &agent, way).await;
        let left = there(&world, &agent).await;
        assert!(left.objects > 0, "{way}: {left:?}");
        assert_eq!((left.files, left.notes), (0, 1), "{way}");

        // Not while the call could still be on its way.
        world.advance_clock(HOUR);
        assert_eq!((swept(&world).await, there(&world, &agent).await), (0, left), "{way}");
        world.advance_clock(HOUR);
        assert_eq!((swept(&world).await, there(&world, &agent).await), (1, NOTHING), "{way}");
    }
}

#[tokio::test]
async fn bytes_whose_write_succeeded_without_a_reply_stay() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for way in WAYS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((WRITE, Fault::LostReply)));
        send_in_vain(&faulty, &agent, way).await;
        world.advance_clock(3 * HOUR);
        assert_eq!(swept(&world).await, 0, "{way}");
        let There { objects, files, notes } = there(&world, &agent).await;
        assert!(files > 0, "{way}");
        assert_eq!((objects, notes), (files, 0), "{way}");
    }
}

#[tokio::test]
async fn a_cleanup_record_precedes_every_upload() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for way in WAYS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((NOTE, Fault::Error)));
        send_in_vain(&faulty, &agent, way).await;
        assert_eq!(there(&world, &agent).await, NOTHING, "{way}");
    }
}

#[tokio::test]
async fn bytes_uploaded_without_a_reply_are_deleted_later() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for way in WAYS {
        let agent = person.agent().await;
        faulty.s3.set_fault(Some((PUT, Fault::LostReply)));
        send_in_vain(&faulty, &agent, way).await;
        let left = there(&world, &agent).await;
        assert!(left.objects > 0, "{way}: {left:?}");
        assert_eq!((left.files, left.notes), (0, 1), "{way}");
        world.advance_clock(3 * HOUR);
        assert_eq!((swept(&world).await, there(&world, &agent).await), (1, NOTHING), "{way}");
    }
}

#[tokio::test]
async fn bytes_of_a_refused_message_are_deleted_at_once() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let long = "x".repeat(64_000);
    let texts: Vec<Value> =
        (0..50).map(|n| json!({ "content": "x", "filename": format!("{n}{}", "ü".repeat(1000)) })).collect();
    let large = json!({ "text": "x".repeat(200 * 1024), "metadata": { "m": long }, "textAttachments": texts,
        "review": { "type": "freeform", "payload": { "p": long } } });
    agent.send(large).await.expect_error(413, "too_large");
    assert_eq!(there(&world, &agent).await.objects, 0);
    world.advance_clock(3 * HOUR);
    assert_eq!((swept(&world).await, there(&world, &agent).await), (1, NOTHING));
}

#[tokio::test]
async fn of_equal_concurrent_messages_only_one_keeps_its_bytes() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let message = json!({ "text": "t", "clientId": "c", "textAttachments": [{ "content": "x" }, { "content": "y" }] });
    let replies = join_all((0..6).map(|_| agent.send(message.clone()))).await;
    let ids: Vec<Value> = replies.iter().map(|reply| reply.expect(201)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let There { objects, files, .. } = there(&world, &agent).await;
    assert_eq!((objects, files), (2, 2));
    world.advance_clock(3 * HOUR);
    swept(&world).await;
    assert_eq!(there(&world, &agent).await, There { objects: 2, files: 2, notes: 0 });
}

#[tokio::test]
async fn a_write_after_its_cleanup_deadline_is_refused() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let store = &world.app.store;
    let Begun::New(opening) = store.begin_message(&agent.caller(), &agent.channel, None, &[]).await.unwrap() else {
        panic!("it is no repeat");
    };
    let label = FileLabel { filename: "a".to_owned(), mime_type: "text/plain".to_owned() };
    let placed = store.place(&opening.channel, vec![NewFile { label, bytes: "x".into() }]).await.unwrap();
    assert_eq!(there(&world, &agent).await, There { objects: 1, files: 0, notes: 1 });
    // Such as a machine that was asleep for hours, before and after the bytes went.
    world.advance_clock(3 * HOUR);
    let draft = Draft { text: Some("t".to_owned()), placed, ..Draft::default() };
    let written = store.create_message(*opening, draft).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    assert_eq!((swept(&world).await, there(&world, &agent).await), (1, NOTHING));
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn a_deletion_refused_by_storage_changes_nothing() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.store_file().await;
    let faulty = FaultyService::serve(&world, 1).await;
    let behind = person.at(&faulty.url);
    faulty.dynamodb.set_fault(Some((WRITE, Fault::Error)));
    behind.delete(&format!("/api/files/{file}")).await.expect_error(503, "storage_unavailable");
    behind.post("/api/files/bulk-delete", json!({ "ids": [file] })).await.expect_error(503, "storage_unavailable");
    assert_eq!(there(&world, &agent).await, There { objects: 1, files: 1, notes: 0 });
    assert_eq!(agent.get(&format!("/api/v1/files/{file}/download")).await.text(), "a note");
    faulty.clear_fault();
    behind.delete(&format!("/api/files/{file}")).await.expect(200);
    let There { objects, files, .. } = there(&world, &agent).await;
    assert_eq!((objects, files), (0, 0));
}

#[tokio::test]
async fn a_deletion_whose_reply_was_lost_can_be_repeated() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let ids = join_all((0..5).map(|_| agent.store_file())).await;
    let faulty = FaultyService::serve(&world, 1).await;
    let behind = person.at(&faulty.url);
    let delete = async || behind.post("/api/files/bulk-delete", json!({ "ids": ids })).await;
    faulty.dynamodb.set_fault(Some((WRITE, Fault::LostReply)));
    delete().await.expect_error(503, "storage_unavailable");
    faulty.clear_fault();
    assert_eq!(delete().await.expect(201)["message"], "Deleted");
    assert_eq!(there(&world, &agent).await.files, 0);
    world.advance_clock(3 * HOUR);
    swept(&world).await;
    assert_eq!(there(&world, &agent).await, NOTHING);
}
