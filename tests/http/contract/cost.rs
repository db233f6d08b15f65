//! What requests cost in DynamoDB calls, counted by the SDK's interceptor: a read is one call, a
//! list one round trip, a write two calls, and one that brings bytes three.

use serde_json::json;
use test_support::{Reply, World};

#[track_caller]
fn costs(reply: &Reply, calls: u32, round_trips: u32) {
    assert!(reply.status < 300, "{}", reply.text());
    let cost = reply.cost();
    assert_eq!((cost.calls, cost.round_trips), (calls, round_trips), "calls, round trips");
    assert!(cost.units() > 0.0, "capacity is counted");
}

#[tokio::test]
async fn reads_are_one_call() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let (id, file) = (agent.request_approval().await, agent.store_file().await);
    costs(&agent.get_in_channel(&format!("/api/v1/messages/{id}")).await, 1, 1);
    costs(&agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await, 1, 1);
    costs(&agent.get(&format!("/api/v1/files/{file}/download")).await, 1, 1);
}

#[tokio::test]
async fn lists_are_one_round_trip() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.request_approval().await;
    agent.store_file().await;
    for path in ["/api/v1/messages", "/api/v1/reviews/pending", "/api/v1/files"] {
        costs(&agent.get_in_channel(path).await, 2, 1);
    }
    costs(&agent.get("/api/v1/agents").await, 2, 1);
    costs(&person.get(&format!("/api/messages?channel={}", agent.channel)).await, 2, 1);
    for path in ["/api/agents", "/api/api-keys"] {
        costs(&person.get(path).await, 2, 1);
    }
    // Beside the others a look for agents that are being removed.
    for path in ["/api/messages/reviews", "/api/files"] {
        costs(&person.get(path).await, 3, 1);
    }
    costs(&person.get("/api/auth/me").await, 1, 1);
}

#[tokio::test]
async fn writes_are_two_calls() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    costs(&agent.send(json!({ "text": "plain" })).await, 2, 2);
    let all = json!({ "text": "?", "clientId": "c", "attachmentIds": [agent.store_file().await],
        "review": { "type": "approval" } });
    let sent = agent.send(all.clone()).await;
    costs(&sent, 2, 2);
    costs(&agent.send(all).await, 2, 2);
    costs(&person.answer(sent.json()["id"].as_str().unwrap(), json!({ "selectedOption": "approve" })).await, 2, 2);
    costs(&agent.delete_in_channel(&format!("/api/v1/messages/{}", sent.json()["id"].as_str().unwrap())).await, 2, 2);
    costs(&agent.post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy" })).await, 2, 2);
    costs(&agent.post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy" })).await, 2, 2);
    costs(&agent.post("/api/v1/agents", json!({ "name": "another" })).await, 2, 2);
    costs(&person.post("/api/messages", json!({ "channelId": agent.channel, "text": "x" })).await, 2, 2);
    let key = person.post("/api/api-keys", json!({})).await;
    costs(&key, 2, 2);
    let id = key.json()["id"].as_str().unwrap().to_owned();
    costs(&person.post(&format!("/api/api-keys/{id}/rotate"), json!({})).await, 2, 2);
    costs(&person.delete(&format!("/api/api-keys/{id}")).await, 2, 2);
}

/// The bytes are noted before they are put, so that they go when nothing comes to name them.
#[tokio::test]
async fn writes_with_files_are_three_calls_however_many_files() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    costs(&agent.upload("store", "a", "text/plain", "x").await, 3, 3);
    costs(&agent.upload("upload", "a", "text/plain", "x").await, 3, 3);
    let texts: Vec<_> = (0..50).map(|number| json!({ "content": number.to_string() })).collect();
    let message = json!({ "text": "?", "clientId": "c", "textAttachments": texts });
    costs(&agent.send(message.clone()).await, 3, 3);
    costs(&agent.send(message).await, 2, 2);
}

/// A large body is read once its sender is known: that is one look more.
#[tokio::test]
async fn a_body_of_more_than_64_kib_is_one_more_call() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let of = |kib: usize| json!({ "text": "x".repeat(kib * 1024 - 200) });
    costs(&agent.send(of(64)).await, 2, 2);
    costs(&agent.send(of(65)).await, 3, 3);
}

#[tokio::test]
async fn listing_pending_reviews_costs_only_pending_reviews() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.request_approval().await;
    let before = agent.get_in_channel("/api/v1/reviews/pending").await.cost();
    for _ in 0..40 {
        let answered = agent.request_approval().await;
        person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    }
    assert_eq!(agent.get_in_channel("/api/v1/reviews/pending").await.cost(), before);
}

#[tokio::test]
async fn a_wait_of_29_seconds_costs_110_reads_unopened_and_300_opened() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (unopened, opened) = (agent.request_approval().await, agent.request_approval().await);
    assert_eq!(person.get(&format!("/reviews/{opened}")).await.status, 200);
    let changes = person.get("/api/changes?since=0");
    let (slow, quick, inbox) = tokio::join!(agent.wait(&unopened, 0), agent.wait(&opened, 0), changes);
    assert_eq!((&slow.json()["status"], &quick.json()["status"]), (&json!("timeout"), &json!("timeout")));
    for (waited, at_most) in [(slow, 110), (quick, 300), (inbox, 110)] {
        waited.expect(200);
        let calls = waited.cost().calls;
        // How many fit into 29 s depends on the engine; a wait that does not look is no wait.
        assert!((10..=at_most).contains(&calls), "{calls} reads, at most {at_most}");
    }
}
