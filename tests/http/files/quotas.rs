//! How many bytes a user may store.

use std::time::Duration;

use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::ids::UserId;
use shared::limits::{Limits, Settings};
use shared::storage::keys::{self, CLEANUPS, channel_partition, user_partition};
use test_support::{Agent, Person, World};

use crate::files::direct_uploads::{announce, id, put};
use crate::support::delivery_driver::DeliveryDriver;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The same service with another quota, and with no count in its memory.
async fn with_quota(world: &World, bytes: u64) -> String {
    let limits = Limits::new(&Settings { stored_bytes: bytes, ..Settings::default() });
    world.serve_also(placet_local::routes(), world.app.clone().limited(limits)).await
}

/// A number in the item of the sums.
async fn number(world: &World, user: UserId, attribute: &str) -> Option<i64> {
    let item = world.items(user_partition(user), "CHANGES").await.pop()?;
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

/// Waits until a sum in the table is right.
async fn wait_for(world: &World, user: UserId, attribute: &str, bytes: i64) {
    let right = async { while number(world, user, attribute).await != Some(bytes) {} };
    tokio::time::timeout(Duration::from_secs(20), right).await.expect("the sum becomes right");
}

/// Waits until the bytes of the user's files are counted.
async fn wait_for_count(world: &World, user: UserId, bytes: i64) {
    wait_for(world, user, "storedBytes", bytes).await;
}

/// Has the bytes of a user counted one by one, while nothing is stored: what the stream has not shown by then would count
/// twice.
async fn count_once(world: &World, agent: &Agent, user: UserId) {
    let exists = async { while world.items(user_partition(user), "CHANGES").await.is_empty() {} };
    tokio::time::timeout(Duration::from_secs(20), exists).await.expect("the agent is in the stream");
    let full = agent.at(&with_quota(world, 0).await);
    full.upload("store", "none", "text/plain", "x").await.expect_error(413, "too_large");
    wait_until_counted(world, user).await;
}

/// Waits until the bytes of a user were counted one by one.
async fn wait_until_counted(world: &World, user: UserId) {
    let is_counted = async || {
        let items = world.items(user_partition(user), "CHANGES").await;
        items.first().is_some_and(|item| item.contains_key("bytesCountedAt"))
    };
    let counted = async { while !is_counted().await {} };
    tokio::time::timeout(Duration::from_secs(20), counted).await.expect("the files are counted");
}

/// Stores single bytes until that is refused, or accepted.
async fn store_until(agent: &Agent, status: u16) {
    let tried = async { while agent.upload("store", "one", "text/plain", "x").await.status != status {} };
    tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap_or_else(|_| panic!("no {status}"));
}

/// The sort keys of what an agent stored. Its counters are written in the background.
async fn stored(world: &World, agent: &Agent) -> Vec<String> {
    let mut keys = world.sort_keys(channel_partition(agent.channel.parse().unwrap())).await;
    keys.retain(|key| key != "STATS");
    keys
}

async fn user_of(person: &Person) -> UserId {
    person.user_id().await.parse().unwrap()
}

#[tokio::test]
async fn what_exceeds_the_quota_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let url = with_quota(&world, 1_000).await;
    let person = world.person().await.at(&url);
    let agent = person.agent().await.at(&url);
    let text = "x".repeat(401);
    agent.upload("store", "a", "text/plain", "x".repeat(600)).await.expect(201);
    let before = stored(&world, &agent).await;
    let refused = [
        agent.upload("store", "b", "text/plain", text.clone()).await,
        agent.upload("upload", "b", "text/plain", text.clone()).await,
        agent.post("/api/v1/files/store-text", json!({ "channelId": agent.channel, "content": text })).await,
        agent
            .post(
                "/api/v1/files/presign",
                json!({ "channelId": agent.channel, "filename": "b", "mimeType": "text/plain", "size": 401 }),
            )
            .await,
        agent.send(json!({ "text": "?", "textAttachments": [{ "content": text }] })).await,
    ];
    for reply in &refused {
        let error = reply.expect_error(413, "too_large");
        assert!(error["message"].as_str().unwrap().contains("1000 bytes together: delete some before"), "{error}");
    }
    assert_eq!(stored(&world, &agent).await, before);
    agent.upload("store", "b", "text/plain", "x".repeat(400)).await.expect(201);
    agent.send(json!({ "text": "without a file" })).await.expect(201);
    // Each user has a quota of their own.
    let other = world.person().await.agent().await.at(&url);
    other.upload("store", "b", "text/plain", text).await.expect(201);
}

#[tokio::test]
async fn files_are_counted_as_they_come_and_go_and_a_new_process_learns_the_count() {
    let world = World::delivering().await;
    let person = world.person().await;
    let (agent, user) = (person.agent().await, user_of(&person).await);
    count_once(&world, &agent, user).await;
    let file = agent.upload("store", "a", "text/plain", "x".repeat(100)).await.expect(201)["id"].clone();
    agent.upload("upload", "b", "text/plain", "x".repeat(200)).await.expect(201);
    wait_for_count(&world, user, 300).await;
    let message =
        agent.create_message(json!({ "text": "?", "textAttachments": [{ "content": "x".repeat(300) }] })).await;
    wait_for_count(&world, user, 600).await;
    agent.delete_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    person.delete(&format!("/api/files/{}", file.as_str().unwrap())).await.expect(200);
    wait_for_count(&world, user, 200).await;

    // The first call of a process does not wait for the count.
    let elsewhere = agent.at(&with_quota(&world, 201).await);
    store_until(&elsewhere, 413).await;
    person.delete_fully(&format!("/api/agents/{}", agent.channel)).await.expect(200);
    wait_for_count(&world, user, 0).await;
}

#[tokio::test]
async fn files_from_before_bytes_were_counted_are_counted_once() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, user) = (person.agent().await, user_of(&person).await);
    agent.upload("store", "a", "text/plain", "x".repeat(700)).await.expect(201);
    world.app.store.inbox().bump_version(user).await.unwrap();
    let key = keys::changes(user).attributes();
    let update = world.clients.dynamodb.update_item().table_name(&world.table).set_key(Some(key));
    // What a deletion leaves of a count that has just begun.
    let update = update.update_expression("SET storedBytes = :less REMOVE bytesCountedAt");
    update.expression_attribute_values(":less", AttributeValue::N("-50".into())).send().await.unwrap();
    let elsewhere = agent.at(&with_quota(&world, 1_000).await);
    elsewhere.upload("store", "b", "text/plain", "x").await.expect(201);
    store_until(&elsewhere, 201).await;
    let at_least = async { while number(&world, user, "storedBytes").await.is_none_or(|bytes| bytes < 700) {} };
    tokio::time::timeout(Duration::from_secs(20), at_least).await.expect("the files are counted");
    let presign = json!({ "channelId": agent.channel, "filename": "b", "mimeType": "text/plain", "size": 400 });
    let refused = async { while elsewhere.post("/api/v1/files/presign", presign.clone()).await.status == 201 {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("the quota is met");
}

/// Whatever a process that was killed leaves: the stream delivers its batch again.
#[tokio::test]
async fn a_batch_that_is_processed_twice_counts_twice_until_the_files_are_counted_again() {
    let world = World::isolated().await;
    let driver = DeliveryDriver::start(&world).await;
    let person = world.person().await;
    let (agent, user) = (person.agent().await, user_of(&person).await);
    count_once(&world, &agent, user).await;
    agent.upload("store", "a", "text/plain", "x".repeat(600)).await.expect(201);
    wait_for_count(&world, user, 600).await;

    let mut all = Event::default();
    all.records = driver.stream_events.lock().unwrap().iter().flat_map(|event| event.records.clone()).collect();
    assert!(events::handle(&driver.events, all).await.batch_item_failures.is_empty());
    wait_for_count(&world, user, 1_200).await;
    store_until(&agent.at(&with_quota(&world, 1_000).await), 413).await;
    world.advance_clock(Duration::from_secs(600));
    store_until(&agent.at(&with_quota(&world, 1_000).await), 201).await;
    let right = async { while number(&world, user, "storedBytes").await.is_none_or(|bytes| bytes > 1_000) {} };
    tokio::time::timeout(Duration::from_secs(20), right).await.expect("the sum becomes right");
}

/// What was just accepted may count twice: the quota has room for that.
#[tokio::test]
async fn archives_have_the_quota_once_more_and_are_not_stored_beyond_it() {
    const MIB: usize = 1024 * 1024;
    let world = World::delivering().await;
    let url = with_quota(&world, 16 * MIB as u64).await;
    let person = world.person().await.at(&url);
    let (agent, user) = (person.agent().await.at(&url), user_of(&person).await);
    count_once(&world, &agent, user).await;
    let mut ids = vec![];
    for name in ["a", "b"] {
        let announced = announce(&agent, name, "application/octet-stream", 5 * MIB).await;
        put(&announced, vec![7; 5 * MIB]).await.expect(200);
        ids.push(id(&announced).to_owned());
    }
    let archive = async |ids: &[String]| person.post("/api/files/bulk-download", json!({ "ids": ids })).await;
    for ids in [&ids[..1], &ids[1..], &ids[..1], &ids[1..]] {
        assert_eq!(archive(ids).await.status, 303);
    }
    let refused = archive(&ids).await;
    let error = refused.expect_error(413, "too_large");
    assert!(error["message"].as_str().unwrap().starts_with("The archives of this account"), "{error}");
    assert_eq!(world.items(user_partition(user), CLEANUPS).await.len(), 2);
    wait_for(&world, user, "archivedBytes", 10 * MIB as i64).await;
    wait_for_count(&world, user, 10 * MIB as i64).await;

    // A day later archives are deleted, as are files that no message has.
    world.advance_clock(DAY + Duration::from_secs(1));
    expiry::handle(&world.function("expiry")).await.unwrap();
    wait_for(&world, user, "archivedBytes", 0).await;
    wait_for_count(&world, user, 0).await;
}

/// Each function that stores files counts those of a user who has stored none since files are counted.
#[tokio::test]
async fn the_first_text_attachment_has_the_files_of_its_user_counted() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, user) = (person.agent().await, user_of(&person).await);
    world.app.store.inbox().bump_version(user).await.unwrap();
    agent.send(json!({ "text": "?", "textAttachments": [{ "content": "x" }] })).await.expect(201);
    wait_until_counted(&world, user).await;
}
