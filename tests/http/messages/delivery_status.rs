//! Delivery status: acknowledging a message, retrying its webhook, and opening it as a person.

use serde_json::json;
use test_support::{Cost, Person, World};

#[tokio::test]
async fn an_acknowledged_message_is_received() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let written = person.post("/api/messages", json!({ "channelId": agent.channel, "text": "hi" })).await.expect(201);
    for id in [written["id"].as_str().unwrap(), &agent.request_approval().await] {
        let ack = format!("/api/v1/messages/{id}/ack?channel={}", agent.channel);
        let first = agent.post(&ack, json!({})).await;
        assert_eq!(first.expect(200), json!({ "acknowledged": true }));
        assert_eq!(first.cost().calls, 2);
        let path = format!("/api/v1/messages/{id}");
        let once = agent.get_in_channel(&path).await.expect(200);
        assert_eq!(once["deliveryStatus"], "agent_received");
        assert_eq!(agent.post(&ack, json!({})).await.expect(200), json!({ "acknowledged": true }));
        assert_eq!(agent.get_in_channel(&path).await.expect(200), once);
    }
    // An acknowledged review can still be answered and keeps its delivery status.
    let review = agent.request_approval().await;
    agent.post(&format!("/api/v1/messages/{review}/ack?channel={}", agent.channel), json!({})).await.expect(200);
    let answered = person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    assert_eq!(answered["deliveryStatus"], "agent_received");
}

#[tokio::test]
async fn a_delivery_is_retried_when_there_is_a_webhook() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let url = "https://hooks.example/placet";
    let with_url = agent.create_message(json!({ "text": "x", "webhookUrl": url })).await;
    let review = json!({ "type": "approval", "callback": { "url": url } });
    let with_callback = agent.create_message(json!({ "review": review })).await;
    for id in [&with_url, &with_callback] {
        let ack = format!("/api/v1/messages/{id}/ack?channel={}", agent.channel);
        agent.post(&ack, json!({})).await.expect(200);
        let retried = person.post(&format!("/api/messages/{id}/retry"), json!({})).await;
        assert_eq!(retried.expect(200), json!({ "retried": true }));
        assert_eq!(retried.cost().calls, 2);
        assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200)["deliveryStatus"], "sent");
    }
    let without = agent.create_message(json!({ "text": "x" })).await;
    assert_eq!(person.post(&format!("/api/messages/{without}/retry"), json!({})).await.expect_invalid(), ["id"]);
    person.post("/api/messages/msg_x/retry", json!({})).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_message_that_a_person_opens_is_seen() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let path = format!("/api/messages/{id}");
    let opened = person.get(&path).await;
    assert!(opened.expect(200)["review"]["seenAt"].is_string());
    assert_eq!(opened.cost().calls, 2);
    let again = person.get(&path).await;
    assert_eq!(again.calls_and_round_trips(), (1, 1));
    assert_eq!(again.expect(200), opened.json());
    assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200), opened.json());
}

#[tokio::test]
async fn people_do_not_see_passwords_in_a_message_they_open() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let fields = json!([{ "name": "pin", "type": "password" }]);
    let id = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&id, json!({ "pin": "1234" })).await.expect(201);
    let shown = person.get(&format!("/api/messages/{id}")).await.expect(200);
    assert_eq!(shown["review"]["response"]["pin"], "***REDACTED***");
    let chain = person.get(&format!("/api/messages/{id}/iterations?channel={}", agent.channel)).await.expect(200);
    assert_eq!(chain["iterations"][0]["review"]["response"]["pin"], "***REDACTED***");
}

#[tokio::test]
async fn a_stranger_can_neither_open_acknowledge_nor_retry() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.create_message(
        json!({ "text": "x", "webhookUrl": "https://hooks.example/", "review": { "type": "approval" } }),
    );
    let id = id.await;
    let before = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    let ben = world.person().await;
    let stranger = ben.agent().await;
    let ack = |channel: &str| format!("/api/v1/messages/{id}/ack?channel={channel}");
    stranger.post(&ack(&agent.channel), json!({})).await.expect_error(403, "not_your_agent");
    stranger.post(&ack(&stranger.channel), json!({})).await.expect_error(404, "not_found");
    ben.get(&format!("/api/messages/{id}")).await.expect_error(404, "not_found");
    ben.post(&format!("/api/messages/{id}/retry"), json!({})).await.expect_error(404, "not_found");
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.get(&format!("/api/messages/{id}")).await.expect_error(401, "unauthorized");
    visitor.post(&format!("/api/messages/{id}/retry"), json!({})).await.expect_error(401, "unauthorized");
    visitor.post(&format!("/api/v1/messages/{id}/ack"), json!({})).await.expect_error(401, "unauthorized");
    assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200), before);
    let Cost { calls, .. } = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.cost();
    assert_eq!(calls, 1);
}
