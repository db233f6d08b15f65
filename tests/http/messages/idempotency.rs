//! `clientId` and `Idempotency-Key` on POST of messages

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use test_support::{Reply, World};

#[tokio::test]
async fn a_repeat_gives_the_message_that_exists() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.store_file().await;
    let message = json!({ "text": "once", "clientId": "c-1", "attachmentIds": [file] });
    let first = agent.send(message.clone()).await.expect(201);
    let second = agent.send(message).await.expect(201);
    assert_eq!(first, second);
    assert_eq!(first["clientId"], "c-1");
}

#[tokio::test]
async fn twenty_equal_posts_at_once_make_one_message() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let message = json!({ "text": "once", "clientId": "c", "textAttachments": [{ "content": "x" }] });
    let replies = join_all((0..20).map(|_| agent.send(message.clone()))).await;
    let first = replies[0].expect(201);
    for reply in &replies {
        assert_eq!(reply.expect(201), first);
    }
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"].as_array().unwrap().len(), 1);
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_different_body_is_a_conflict() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    agent.send(json!({ "text": "one", "clientId": "c" })).await.expect(201);
    agent.send(json!({ "text": "two", "clientId": "c" })).await.expect_error(409, "idempotency_conflict");
}

#[tokio::test]
async fn the_header_does_the_same_and_the_order_of_members_does_not_matter() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let post = |body: String| {
        let request = agent.request(Method::POST, "/api/v1/messages").header("Idempotency-Key", "k-1");
        Reply::fetch(request.header("Content-Type", "application/json").body(body))
    };
    let channel = &agent.channel;
    let first = post(format!(r#"{{"channelId":"{channel}","metadata":{{"a":1,"b":2}},"text":"x"}}"#)).await.expect(201);
    let again = post(format!(r#"{{ "text": "x", "metadata": {{"b":2,"a":1}}, "channelId": "{channel}" }}"#)).await;
    assert_eq!(again.expect(201), first);
    assert_eq!(first["clientId"], "k-1");
    post(format!(r#"{{"channelId":"{channel}","text":"y"}}"#)).await.expect_error(409, "idempotency_conflict");
}

#[tokio::test]
async fn the_same_id_in_another_channel_is_another_message() {
    let world = World::start().await;
    let person = world.person().await;
    let (one, two) = (person.agent().await, person.agent().await);
    let first = one.create_message(json!({ "text": "a", "clientId": "c" })).await;
    assert_ne!(two.create_message(json!({ "text": "a", "clientId": "c" })).await, first);
}

#[tokio::test]
async fn a_malformed_idempotency_key_is_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let request = agent.request(Method::POST, "/api/v1/messages").header("Idempotency-Key", "k".repeat(257));
    let reply = Reply::fetch(request.json(&json!({ "channelId": agent.channel, "text": "x" }))).await;
    assert_eq!(reply.expect_invalid(), ["Idempotency-Key"]);
}

#[tokio::test]
async fn client_ids_of_agents_and_people_are_separate() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = agent.create_message(json!({ "text": "a", "clientId": "1" })).await;
    let message = json!({ "channelId": agent.channel, "text": "b", "clientId": "1" });
    let sent = person.post("/api/messages", message.clone()).await.expect(201);
    assert_ne!(sent["id"], review);
    agent.delete_in_channel(&format!("/api/v1/messages/{review}")).await.expect(200);
    assert_eq!(person.post("/api/messages", message).await.expect(201), sent);
}

#[tokio::test]
async fn a_persons_message_is_safe_to_repeat_too() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message = json!({ "channelId": agent.channel, "text": "hi", "clientId": "c" });
    let replies = join_all((0..10).map(|_| person.post("/api/messages", message.clone()))).await;
    let first = replies[0].expect(201);
    assert!(replies.iter().all(|reply| reply.expect(201) == first));
}
