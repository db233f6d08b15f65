//! Objects without an item: whatever call fails, such objects are deleted, and objects that an item
//! references stay.

use std::time::Duration;

use expiry::SweepReport;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::error::Error;
use shared::models::NewFile;
use shared::models::file::FileLabel;
use shared::storage::keys::{CLEANUPS, FILES, Prefix, channel_partition};
use shared::storage::{NewMessage, Prepared};
use test_support::fault_injection::{Fault, FaultyService};
use test_support::{Agent, Reply, World};

const HOUR: Duration = Duration::from_secs(3600);
/// Every call that uploads bytes.
const UPLOAD_CALLS: [&str; 4] = ["store", "upload", "store-text", "message"];
/// Texts in the heads of requests to the engines.
const TRANSACTION: &str = "dynamodb_20120810.transactwriteitems";
const PUT_ITEM: &str = "dynamodb_20120810.putitem";
const PUT_OBJECT: &str = "put /";

async fn send_bytes(agent: &Agent, call: &str) -> Reply {
    match call {
        "store" | "upload" => agent.upload(call, "a", "text/plain", "x").await,
        "store-text" => {
            let body = json!({ "channelId": agent.channel, "content": "x" });
            agent.post("/api/v1/files/store-text", body).await
        }
        _ => agent.send(json!({ "text": "t", "textAttachments": [{ "content": "x" }, { "content": "y" }] })).await,
    }
}

/// Sends bytes through the faulty service, which answers 503; then clears the fault.
async fn send_expecting_503(faulty: &FaultyService, agent: &Agent, call: &str) {
    let through_proxy = Agent::new(&faulty.url, &agent.key, &agent.channel);
    send_bytes(&through_proxy, call).await.expect_error(503, "storage_unavailable");
    faulty.clear_fault();
}

/// The number of a channel's objects, file items and cleanup records.
#[derive(Debug, PartialEq)]
struct StorageCounts {
    objects: usize,
    files: usize,
    cleanup_records: usize,
}

const EMPTY: StorageCounts = StorageCounts { objects: 0, files: 0, cleanup_records: 0 };

async fn count_stored(world: &World, agent: &Agent) -> StorageCounts {
    let channel = agent.channel.parse().unwrap();
    let list = world.clients.s3.list_objects_v2().bucket(world.bucket());
    let objects = list.prefix(Prefix::Uploads(channel).to_string()).send().await.unwrap().contents.unwrap_or_default();
    let items = async |prefix: &str| world.items(channel_partition(channel), prefix).await.len();
    StorageCounts { objects: objects.len(), files: items(FILES).await, cleanup_records: items(CLEANUPS).await }
}

async fn run_expiry(world: &World) -> usize {
    let SweepReport { removals_finished, failed, .. } = expiry::handle(&world.function("expiry")).await.unwrap();
    assert_eq!(failed, 0);
    removals_finished
}

#[tokio::test]
async fn a_committed_upload_leaves_no_cleanup_record() {
    let world = World::isolated().await;
    let person = world.person().await;
    for call in UPLOAD_CALLS {
        let agent = person.agent().await;
        send_bytes(&agent, call).await.expect(201);
        let StorageCounts { objects, files, cleanup_records } = count_stored(&world, &agent).await;
        assert_eq!((objects, cleanup_records), (files, 0), "{call}");
    }
}

#[tokio::test]
async fn bytes_without_an_item_are_deleted_later() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for call in UPLOAD_CALLS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((TRANSACTION, Fault::LostRequest)));
        send_expecting_503(&faulty, &agent, call).await;
        let left = count_stored(&world, &agent).await;
        assert!(left.objects > 0, "{call}: {left:?}");
        assert_eq!((left.files, left.cleanup_records), (0, 1), "{call}");

        // Nothing is deleted while the call could still commit.
        world.advance_clock(HOUR);
        assert_eq!((run_expiry(&world).await, count_stored(&world, &agent).await), (0, left), "{call}");
        world.advance_clock(HOUR);
        assert_eq!((run_expiry(&world).await, count_stored(&world, &agent).await), (1, EMPTY), "{call}");
    }
}

#[tokio::test]
async fn bytes_whose_write_succeeded_without_a_reply_stay() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for call in UPLOAD_CALLS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((TRANSACTION, Fault::LostReply)));
        send_expecting_503(&faulty, &agent, call).await;
        world.advance_clock(3 * HOUR);
        assert_eq!(run_expiry(&world).await, 0, "{call}");
        let StorageCounts { objects, files, cleanup_records } = count_stored(&world, &agent).await;
        assert!(files > 0, "{call}");
        assert_eq!((objects, cleanup_records), (files, 0), "{call}");
    }
}

#[tokio::test]
async fn a_cleanup_record_precedes_every_upload() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for call in UPLOAD_CALLS {
        let agent = person.agent().await;
        faulty.dynamodb.set_fault(Some((PUT_ITEM, Fault::Error)));
        send_expecting_503(&faulty, &agent, call).await;
        assert_eq!(count_stored(&world, &agent).await, EMPTY, "{call}");
    }
}

#[tokio::test]
async fn bytes_uploaded_without_a_reply_are_deleted_later() {
    let world = World::isolated().await;
    let person = world.person().await;
    let faulty = FaultyService::serve(&world, 1).await;
    for call in UPLOAD_CALLS {
        let agent = person.agent().await;
        faulty.s3.set_fault(Some((PUT_OBJECT, Fault::LostReply)));
        send_expecting_503(&faulty, &agent, call).await;
        let left = count_stored(&world, &agent).await;
        assert!(left.objects > 0, "{call}: {left:?}");
        assert_eq!((left.files, left.cleanup_records), (0, 1), "{call}");
        world.advance_clock(3 * HOUR);
        assert_eq!((run_expiry(&world).await, count_stored(&world, &agent).await), (1, EMPTY), "{call}");
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
    assert_eq!(count_stored(&world, &agent).await.objects, 0);
    world.advance_clock(3 * HOUR);
    assert_eq!((run_expiry(&world).await, count_stored(&world, &agent).await), (1, EMPTY));
}

#[tokio::test]
async fn of_equal_concurrent_messages_only_one_keeps_its_bytes() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let message = json!({ "text": "t", "clientId": "c", "textAttachments": [{ "content": "x" }, { "content": "y" }] });
    let replies = join_all((0..6).map(|_| agent.send(message.clone()))).await;
    let ids: Vec<Value> = replies.iter().map(|reply| reply.expect(201)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let StorageCounts { objects, files, .. } = count_stored(&world, &agent).await;
    assert_eq!((objects, files), (2, 2));
    world.advance_clock(3 * HOUR);
    run_expiry(&world).await;
    assert_eq!(count_stored(&world, &agent).await, StorageCounts { objects: 2, files: 2, cleanup_records: 0 });
}

#[tokio::test]
async fn a_write_after_its_cleanup_deadline_is_refused() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let store = &world.app.store;
    let Prepared::New(opening) =
        store.messages().prepare_with_files(&agent.caller(), &agent.channel, None, &[]).await.unwrap()
    else {
        panic!("the message exists already");
    };
    let label = FileLabel { filename: "a".to_owned(), mime_type: "text/plain".to_owned() };
    let uploads = store.files().upload(&opening.channel, vec![NewFile { label, bytes: "x".into() }]).await.unwrap();
    assert_eq!(count_stored(&world, &agent).await, StorageCounts { objects: 1, files: 0, cleanup_records: 1 });
    // As after a machine slept for hours, before or after the expiry run deleted the bytes.
    world.advance_clock(3 * HOUR);
    let draft = NewMessage { text: Some("t".to_owned()), uploads, ..NewMessage::default() };
    let written = store.messages().create(*opening, draft).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    assert_eq!((run_expiry(&world).await, count_stored(&world, &agent).await), (1, EMPTY));
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn a_deletion_refused_by_storage_changes_nothing() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.store_file().await;
    let faulty = FaultyService::serve(&world, 1).await;
    let through_proxy = person.at(&faulty.url);
    faulty.dynamodb.set_fault(Some((TRANSACTION, Fault::Error)));
    through_proxy.delete(&format!("/api/files/{file}")).await.expect_error(503, "storage_unavailable");
    through_proxy
        .post("/api/files/bulk-delete", json!({ "ids": [file] }))
        .await
        .expect_error(503, "storage_unavailable");
    assert_eq!(count_stored(&world, &agent).await, StorageCounts { objects: 1, files: 1, cleanup_records: 0 });
    assert_eq!(agent.get(&format!("/api/v1/files/{file}/download")).await.text(), "a note");
    faulty.clear_fault();
    through_proxy.delete(&format!("/api/files/{file}")).await.expect(200);
    let StorageCounts { objects, files, .. } = count_stored(&world, &agent).await;
    assert_eq!((objects, files), (0, 0));
}

#[tokio::test]
async fn a_deletion_whose_reply_was_lost_can_be_repeated() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let ids = join_all((0..5).map(|_| agent.store_file())).await;
    let faulty = FaultyService::serve(&world, 1).await;
    let through_proxy = person.at(&faulty.url);
    let delete = async || through_proxy.post("/api/files/bulk-delete", json!({ "ids": ids })).await;
    faulty.dynamodb.set_fault(Some((TRANSACTION, Fault::LostReply)));
    delete().await.expect_error(503, "storage_unavailable");
    faulty.clear_fault();
    assert_eq!(delete().await.expect(201)["message"], "Deleted");
    assert_eq!(count_stored(&world, &agent).await.files, 0);
    world.advance_clock(3 * HOUR);
    run_expiry(&world).await;
    assert_eq!(count_stored(&world, &agent).await, EMPTY);
}
