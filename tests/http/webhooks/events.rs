//! The `events` function: repeated records, failed records, and deliveries of crashed workers.

use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use serde_json::json;
use shared::aws::queue::DeliveryRef;
use shared::storage::Claim;
use test_support::{Agent, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

async fn answer_review(world: &World, receiver: &Receiver) -> (Agent, String) {
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(world, &agent.channel, &receiver.url).await;
    let review = agent.request_approval().await;
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    (agent, review)
}

/// All records of the stream so far, as one batch.
fn all_records(driver: &DeliveryDriver) -> Event {
    let mut all = Event::default();
    all.records = driver.stream_events.lock().unwrap().iter().flat_map(|event| event.records.clone()).collect();
    all
}

#[tokio::test]
async fn repeated_records_make_one_delivery() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    answer_review(&world, &receiver).await;
    let first = driver.next_delivery().await;
    assert!(driver.deliver(&first).await);
    assert!(events::handle(&driver.events, all_records(&driver)).await.batch_item_failures.is_empty());
    let second = driver.next_delivery().await;
    assert_eq!(first.body, second.body);
    assert!(driver.deliver(&second).await);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_batch_reports_its_first_failed_record() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let (_, review) = answer_review(&world, &receiver).await;
    driver.next_delivery().await;
    let Event { records, .. } = all_records(&driver);
    let is_decision = |record: &&EventRecord| {
        let keys = serde_json::to_string(&record.change.keys).unwrap();
        keys.contains(&format!("MESSAGE#{}", &review[30..])) && record.event_name == "MODIFY"
    };
    let decision = records.iter().find(is_decision).unwrap().clone();
    let others = records.iter().filter(|record| !is_decision(record)).cloned();
    // The queue does not exist, so the delivery cannot be queued.
    let failing = driver.events.clone().on_queue(&format!("{}x", world.queue(&[]).await));
    for copies in 1..=20 {
        let mut event = Event::default();
        event.records = others.clone().chain(vec![decision.clone(); copies]).collect();
        // What was begun of later records must hold nothing that the rest of the batch needs.
        let handled = tokio::time::timeout(Duration::from_secs(20), events::handle(&failing, event));
        let failures = handled.await.expect("the batch ends").batch_item_failures;
        let failed: Vec<_> = failures.into_iter().map(|failure| failure.item_identifier).collect();
        assert_eq!(failed, std::slice::from_ref(&decision.change.sequence_number));
    }
}

#[tokio::test]
async fn a_delivery_of_a_crashed_worker_is_taken_over() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    answer_review(&world, &receiver).await;
    let message = driver.next_delivery().await;
    let reference: DeliveryRef = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
    assert!(matches!(driver.events.store.webhooks().claim(&reference).await.unwrap(), Claim::Yours(..)));
    assert!(!driver.deliver(&message).await);
    assert!(receiver.received().is_empty());
    world.advance_clock(Duration::from_secs(31));
    assert!(driver.deliver(&message).await);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_expiry_is_delivered_only_to_the_asking_agent() {
    let world = World::isolated().await;
    let driver = DeliveryDriver::start(&world).await;
    let (owner_receiver, other_receiver) = (Receiver::start([]).await, Receiver::start([]).await);
    let (ada, bob) = (world.person().await, world.person().await);
    let (agent, other) = (ada.agent().await, bob.agent().await);
    set_agent_webhook(&world, &agent.channel, &owner_receiver.url).await;
    set_agent_webhook(&world, &other.channel, &other_receiver.url).await;
    let review = agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 60 } })).await;
    world.advance_clock(Duration::from_secs(61));
    agent.get_in_channel(&format!("/api/v1/messages/{review}")).await.expect(200);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let body = owner_receiver.wait_for(1).await[0].json();
    assert_eq!((&body["event"], &body["message_id"]), (&json!("review:expired"), &json!(review)));
    assert!(body["expired_at"].is_string() && body["response"].is_null() && body.get("responded_at").is_none());
    assert!(other_receiver.received().is_empty());
}
