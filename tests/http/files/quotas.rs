//! How many bytes of files a user may store.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use shared::ids::UserId;
use shared::limits::{Limits, Settings};
use shared::storage::keys::{self, channel_partition};
use test_support::{Person, World};

/// The same service with another quota, and with no count in its memory.
async fn with_quota(world: &World, bytes: u64) -> String {
    let limits = Limits::new(&Settings { stored_bytes: bytes, ..Settings::default() });
    world.serve_also(placet_local::routes(), world.app.clone().limited(limits)).await
}

/// The count in the table.
async fn counted(world: &World, user: UserId) -> Option<i64> {
    let item = world.items(keys::user_partition(user), "CHANGES").await.pop()?;
    item.get("storedBytes")?.as_n().ok()?.parse().ok()
}

/// Waits until the table's stream has been counted.
async fn wait_for_count(world: &World, user: UserId, bytes: i64) {
    while counted(world, user).await != Some(bytes) {
        tokio::task::yield_now().await;
    }
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
    let channel = channel_partition(agent.channel.parse().unwrap());
    let before = world.sort_keys(channel.clone()).await;
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
        assert!(error["message"].as_str().unwrap().contains("1000 bytes together: delete some first"), "{error}");
    }
    assert_eq!(world.sort_keys(channel).await, before);
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
    let file = agent.upload("store", "a", "text/plain", "x".repeat(100)).await.expect(201)["id"].clone();
    agent.upload("upload", "b", "text/plain", "x".repeat(200)).await.expect(201);
    let message =
        agent.create_message(json!({ "text": "?", "textAttachments": [{ "content": "x".repeat(300) }] })).await;
    wait_for_count(&world, user, 600).await;
    agent.delete_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    person.delete(&format!("/api/files/{}", file.as_str().unwrap())).await.expect(200);
    wait_for_count(&world, user, 200).await;

    // The first call of a process does not wait for the count.
    let elsewhere = agent.at(&with_quota(&world, 201).await);
    let mut stored = 0;
    while elsewhere.upload("store", "c", "text/plain", "x").await.status == 201 {
        stored += 1;
        assert!(stored < 100, "the quota is never met");
    }
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
    while counted(&world, user).await.is_none_or(|bytes| bytes < 700) {
        tokio::task::yield_now().await;
    }
    let presign = json!({ "channelId": agent.channel, "filename": "b", "mimeType": "text/plain", "size": 400 });
    let mut announced = 0;
    while elsewhere.post("/api/v1/files/presign", presign.clone()).await.status == 201 {
        announced += 1;
        assert!(announced < 100, "the quota is never met");
    }
}
