//! Messages, records and deliveries that cannot be processed: they are refused when posted, or
//! dead-lettered alone and reported, and nothing else stops.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::aws::queue::DeliveryRef;
use shared::ids::{MessageId, UserId};
use shared::storage::keys::{self, Key};
use test_support::{Agent, Person, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

/// Longer than a delivery takes on a loaded machine, and much shorter than all retries of a record.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

async fn send_as_person(person: &Person, agent: &Agent, text: &str) -> String {
    let body = json!({ "channelId": agent.channel, "text": text });
    person.post("/api/messages", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Waits until a message's delivery has succeeded or failed; returns its status. Reads only the status
/// and past the service: large messages take long to read, and the service logs each call.
async fn final_status(world: &World, message: &str) -> String {
    let began = Instant::now();
    loop {
        let get = world.clients.dynamodb.get_item().table_name(&world.table);
        let get = get.set_key(Some(key_of(message).attributes())).consistent_read(true);
        let item = get.projection_expression("deliveryStatus").send().await.unwrap().item.unwrap();
        let status = item["deliveryStatus"].as_s().unwrap().clone();
        if status != "sent" || began.elapsed() > DELIVERY_TIMEOUT {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

/// Sets an attribute past the service.
async fn set_attribute(world: &World, key: Key, name: &str, value: AttributeValue) {
    let client = world.write_notifier.observe(&world.clients.dynamodb);
    let update = client.update_item().table_name(&world.table).set_key(Some(key.attributes()));
    let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
    update.expression_attribute_values(":value", value).send().await.unwrap();
}

fn key_of(message: &str) -> Key {
    keys::message(message.parse::<MessageId>().unwrap())
}

/// Asserts that another tenant's message is still delivered.
async fn assert_others_are_delivered(world: &World) {
    let receiver = Receiver::start([]).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(world, &agent.channel, &receiver.url).await;
    let message = send_as_person(&person, &agent, "hello").await;
    assert_eq!(final_status(world, &message).await, "webhook_delivered");
}

#[tokio::test]
async fn a_message_whose_event_cannot_be_stored_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let post =
        async |text: String| person.post("/api/messages", json!({ "channelId": agent.channel, "text": text })).await;
    for unit in ["\u{1}", "\"", "\\", "\n", "\u{1f}\""] {
        let text = unit.repeat(200 * 1024 / unit.len());
        let refused = post(text).await.expect_error(413, "too_large");
        assert!(refused["message"].as_str().unwrap().contains("webhook"), "{refused}");
    }
    for unit in ["a", "é", "🎉", "\u{7f}", "\u{2028}"] {
        post(unit.repeat(200 * 1024 / unit.len())).await.expect(201);
    }
}

#[tokio::test]
async fn the_largest_messages_and_answers_are_delivered() {
    let world = World::delivering().await;
    let receiver = Receiver::start([]).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    // Find the longest such text that is accepted.
    let mut length = 400 * 1024 / 6;
    let message = loop {
        let body = json!({ "channelId": agent.channel, "text": "\u{1}".repeat(length) });
        let reply = person.post("/api/messages", body).await;
        if reply.status == 201 {
            break reply.expect(201)["id"].as_str().unwrap().to_owned();
        }
        reply.expect_error(413, "too_large");
        length -= 50;
    };
    assert!(length > 66_000, "{length}");
    assert_eq!(final_status(&world, &message).await, "webhook_delivered");

    let review = agent.create_message(json!({ "text": "?", "review": { "type": "freeform" } })).await;
    let answer =
        json!({ "response": { "a": "\u{1}".repeat(64 * 1024 / 6 - 10) }, "feedback": "\u{1}".repeat(16 * 1024) });
    person.post(&format!("/api/messages/{review}/respond"), answer).await.expect(201);
    assert_eq!(final_status(&world, &review).await, "webhook_delivered");
}

#[tokio::test]
async fn an_answer_whose_event_cannot_be_stored_is_refused() {
    let world = World::delivering().await;
    let receiver = Receiver::start([]).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    // A delivery stores the callback with the event.
    let callback = json!({ "url": "https://hooks.example/answered", "note": "x".repeat(340 * 1024) });
    let review = json!({ "type": "freeform", "callback": callback });
    let review = agent.create_message(json!({ "review": review })).await;
    let path = format!("/api/messages/{review}/respond");
    let long = json!({ "response": {}, "feedback": "\u{1}".repeat(16 * 1024) });
    person.post(&path, long).await.expect_error(413, "too_large");
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200)["review"]["status"],
        "pending"
    );
    person.post(&path, json!({ "response": {}, "feedback": "short" })).await.expect(201);
    assert_eq!(final_status(&world, &review).await, "webhook_delivered");
}

#[tokio::test]
async fn the_page_enforces_the_limits_of_the_api() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = agent.create_message(json!({ "review": { "type": "freeform" } })).await;
    let path = format!("/reviews/{review}");
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(64 * 1024));
    let feedback = "x".repeat(16 * 1024 + 1);
    for fields in [[("json", json.as_str()), ("feedback", "")], [("json", "{}"), ("feedback", &feedback)]] {
        let refused = person.submit_form(&path, &fields).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains("may have at most"));
    }
    let items: Vec<Value> = (0..3).map(|n| json!({ "id": n.to_string(), "label": "x" })).collect();
    let payload = json!({ "mode": "multi", "items": items });
    let chosen = agent.create_message(json!({ "review": { "type": "selection", "payload": payload } })).await;
    let ids: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let fields: Vec<(&str, &str)> = ids.iter().map(|id| ("item", id.as_str())).collect();
    let refused = person.submit_form(&format!("/reviews/{chosen}"), &fields).await;
    assert_eq!(refused.status, 413);
}

#[tokio::test]
async fn an_oversized_event_is_dead_lettered_alone_and_reported() {
    let world = World::delivering().await;
    let receiver = Receiver::start([]).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    // Stored before the limit existed, and delivered when a person asks for a retry.
    for (before, unit) in ["\u{1}", "\u{1f}"].into_iter().enumerate() {
        let message = send_as_person(&person, &agent, "x").await;
        assert_eq!(final_status(&world, &message).await, "webhook_delivered");
        let received = receiver.wait_for(before + 1).await;
        let channel = message.parse::<MessageId>().unwrap().channel();
        let delivery = world.clients.dynamodb.delete_item().table_name(&world.table);
        let delivery = delivery.set_key(Some(keys::delivery(channel, received[before].id()).attributes()));
        delivery.send().await.unwrap();
        // 420 KB as JSON, just over the limit.
        let text = AttributeValue::S(unit.repeat(70_000));
        set_attribute(&world, key_of(&message), "text", text).await;
        for _ in 0..2 {
            person.post(&format!("/api/messages/{message}/retry"), json!({})).await.expect(200);
            assert_eq!(final_status(&world, &message).await, "webhook_failed");
        }
        assert_others_are_delivered(&world).await;
    }
    assert_eq!(receiver.received().len(), 2, "the oversized event was not sent");
}

#[tokio::test]
async fn an_unreadable_record_is_dead_lettered_alone() {
    let world = World::delivering().await;
    let receiver = Receiver::start([]).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    for (name, value) in [
        ("createdAt", AttributeValue::Bool(true)),
        ("review", AttributeValue::S("none".to_owned())),
        ("metadata", AttributeValue::S("{".to_owned())),
        ("id", AttributeValue::S("nothing".to_owned())),
    ] {
        let message = send_as_person(&person, &agent, "x").await;
        assert_eq!(final_status(&world, &message).await, "webhook_delivered");
        set_attribute(&world, key_of(&message), name, value).await;
        assert_others_are_delivered(&world).await;
        let delete = world.clients.dynamodb.delete_item().table_name(&world.table);
        delete.set_key(Some(key_of(&message).attributes())).send().await.unwrap();
    }
}

#[tokio::test]
async fn a_version_bump_that_always_fails_stops_no_other_inbox() {
    let world = World::delivering().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, others) = (person.agent().await, other.agent().await);
    let me = person.user_id().await.parse::<UserId>().unwrap();
    // DynamoDB refuses to `ADD` to a string.
    let broken = AttributeValue::S("many".to_owned());
    set_attribute(&world, keys::changes(me), "sequence", broken).await;
    let changes = async |query: &str| other.get(&format!("/api/changes{query}")).await.expect(200);
    let before = changes("").await;
    send_as_person(&person, &agent, "x").await;
    others.request_approval().await;
    let after = changes(&format!("?since={}&timeout=25000", before["sequence"])).await;
    assert_ne!(before["sequence"], after["sequence"], "{after}");
    assert_others_are_delivered(&world).await;
}

#[tokio::test]
async fn an_unreadable_delivery_is_given_up_alone() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let message = send_as_person(&person, &agent, "x").await;
    let queued = driver.next_delivery().await;
    let reference: DeliveryRef = serde_json::from_str(queued.body.as_deref().unwrap()).unwrap();
    let key = keys::delivery(reference.message_id.channel(), &reference.webhook_id);
    set_attribute(&world, key, "payload", AttributeValue::Bool(true)).await;
    assert!(driver.deliver(&queued).await, "the message left the queue");
    assert_eq!(final_status(&world, &message).await, "webhook_failed");
    send_as_person(&person, &agent, "y").await;
    // The driver deletes no messages, so the queue may return the failed delivery again before the other one.
    let sent = async {
        while receiver.received().is_empty() {
            driver.deliver(&driver.next_delivery().await).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), sent).await.expect("the other delivery is sent");
    assert_eq!(receiver.wait_for(1).await.len(), 1);
}
