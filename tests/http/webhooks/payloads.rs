//! The body of each webhook event: all its members and no others.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Reply, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

fn members(body: &Value) -> BTreeSet<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_answer_event_has_the_whole_answer_and_its_context() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let first = agent.request_approval().await;
    person.answer(&first, json!({ "selectedOption": "reject" })).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let revision = json!({ "text": "?", "iterationOf": first, "review": { "type": "freeform" } });
    let second = agent.create_message(revision).await;
    let file = agent.store_file().await;
    // A number in a notation that a parser would not preserve.
    let answer = format!(r#"{{"response":{{"a":[1.10]}},"feedback":"fine","modifiedFileIds":["{file}"]}}"#);
    let request = person.request(Method::POST, &format!("/api/messages/{second}/respond"));
    let answered = Reply::fetch(request.header("Content-Type", "application/json").body(answer)).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);

    let received = receiver.wait_for(2).await;
    let plain = received[0].json();
    let always = ["event", "channelId", "message_id", "review_type", "response", "responded_at"];
    assert_eq!(members(&plain), BTreeSet::from(always), "absent members are left out");
    assert!(received[1].body.contains(r#""response":{"a":[1.10]}"#), "{}", received[1].body);
    assert_eq!(
        received[1].json(),
        json!({
            "event": "review:responded", "channelId": agent.channel, "message_id": second,
            "review_type": "freeform", "response": { "a": [1.10] }, "feedback": "fine",
            "modifiedFileIds": [file], "responded_at": answered["review"]["completedAt"],
            "iterationGroupId": first, "iteration": 2,
        })
    );
}

#[tokio::test]
async fn the_expiry_event_has_the_due_time() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let agent = world.person().await.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let review = agent.request_approval().await;
    world.advance_clock(std::time::Duration::from_secs(25 * 3600));
    let expired = agent.get_in_channel(&format!("/api/v1/messages/{review}")).await.expect(200);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    assert_eq!(
        receiver.wait_for(1).await[0].json(),
        json!({
            "event": "review:expired", "channelId": agent.channel, "message_id": review, "review_type": "approval",
            "response": null, "expired_at": expired["review"]["expiresAt"],
        })
    );
}

#[tokio::test]
async fn the_message_event_has_the_message_as_it_is_read() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let file = agent.store_file().await;
    let body = json!({ "channelId": agent.channel, "text": "hi", "attachmentIds": [file], "clientId": "c" });
    let sent = person.post("/api/messages", body).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["event"], &event["channelId"]), (&json!("message:created"), &json!(agent.channel)));
    let mut message = sent.clone();
    // Only reading a message returns the texts of its files.
    message["attachments"][0]["textContent"] = Value::Null;
    assert_eq!(event["message"], message);
    assert_eq!(members(&event), BTreeSet::from(["event", "channelId", "message"]));
}
