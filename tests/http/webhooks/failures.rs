//! Failed deliveries: slow receivers and broken connections, deleted agents, and dead-lettering.

use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use placet_local::event_sources::Workers;
use placet_local::event_sources::queue::QueueSource;
use serde_json::{Value, json};
use shared::http::App;
use shared::outbound::Outbound;
use shared::storage::keys::channel_partition;
use test_support::World;

use crate::support::answered_review::AnsweredReview;
use crate::support::receiver::ResponsePlan;

/// The head of a response whose body never reaches its declared length.
fn incomplete_head(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: 1000000\r\n\r\n").into_bytes()
}

/// A response that arrives after the delivery's timeout.
fn delayed_response() -> ResponsePlan {
    ResponsePlan::Delayed(Duration::from_millis(10_500), b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}".to_vec())
}

#[tokio::test]
async fn a_response_after_ten_seconds_fails_and_a_slow_body_does_not() {
    let answers =
        [delayed_response(), ResponsePlan::Trickle(incomplete_head(200)), ResponsePlan::Trickle(incomplete_head(500))];
    let [late, delivered, failed] = answers.map(|answer| AnsweredReview::with_receiver([answer]));
    let (late, delivered, failed) = tokio::join!(late, delivered, failed);
    let timed = async |it: &AnsweredReview| {
        let began = Instant::now();
        (it.deliver().await, began.elapsed())
    };
    let took = tokio::join!(timed(&late), timed(&delivered), timed(&failed));
    assert_eq!((took.0.0, took.1.0, took.2.0), (false, true, false));
    for took in [took.0.1, took.1.1, took.2.1] {
        // The timeout, and the time to record the result on a loaded machine.
        assert!((Duration::from_secs(10)..Duration::from_secs(20)).contains(&took), "{took:?}");
    }
    for (it, status, logged) in [(&late, "sent", 504), (&delivered, "webhook_delivered", 200), (&failed, "sent", 500)] {
        assert_eq!((it.status().await, it.logged_statuses().await), (json!(status), vec![json!(logged)]));
    }
    // The late delivery is retried under the same id.
    late.world.advance_clock(Duration::from_secs(6));
    assert!(late.deliver().await);
    let received = late.receiver.wait_for(2).await;
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(late.status().await, "webhook_delivered");
}

#[tokio::test]
async fn a_reset_connection_is_a_failed_attempt() {
    let resets =
        [&b""[..], b"HTTP/1.1 20", b"HTTP/1.1 200 X\r\nContent-Le"].map(|bytes| ResponsePlan::Reset(bytes.to_vec()));
    let it = AnsweredReview::with_receiver(resets).await;
    for pause in [6, 67, 661] {
        assert!(!it.deliver().await);
        assert_eq!(it.status().await, "sent");
        it.world.advance_clock(Duration::from_secs(pause));
    }
    assert!(it.deliver().await);
    let received = it.receiver.wait_for(4).await;
    assert!(received.iter().all(|one| one.id() == received[0].id()));
    assert_eq!(it.logged_statuses().await, [200, 502, 502, 502]);
}

/// The sort keys of the items in the agent's channel.
async fn sort_keys(it: &AnsweredReview) -> Vec<String> {
    it.world.sort_keys(channel_partition(it.agent.channel.parse().unwrap())).await
}

#[tokio::test]
async fn deleting_an_agent_drops_its_pending_deliveries() {
    let it = AnsweredReview::with_receiver([ResponsePlan::status(500)]).await;
    assert!(!it.deliver().await);
    let written = json!({ "channelId": it.agent.channel, "text": "hi" });
    it.person.post("/api/messages", written).await.expect(201);
    let undelivered = loop {
        let next = it.driver.next_delivery().await;
        // The failed one returns after five seconds.
        if next.body != it.delivery.body {
            break next;
        }
    };
    let deliveries = |keys: Vec<String>| keys.iter().filter(|sk| sk.starts_with("DELIVERY#")).count();
    assert_eq!(deliveries(sort_keys(&it).await), 2);
    it.person.delete_fully(&format!("/api/agents/{}", it.agent.channel)).await.expect(200);
    assert_eq!(deliveries(sort_keys(&it).await), 0);
    // Queued messages of the deliveries complete, and repeated records create no new deliveries.
    it.world.advance_clock(Duration::from_secs(3600));
    assert!(it.deliver().await && it.driver.deliver(&undelivered).await);
    let mut again = Event::default();
    again.records = it.driver.stream_events.lock().unwrap().iter().flat_map(|event| event.records.clone()).collect();
    assert!(!again.records.is_empty());
    assert!(events::handle(&it.driver.events, again).await.batch_item_failures.is_empty());
    assert_eq!(deliveries(sort_keys(&it).await), 0);
    assert_eq!(it.receiver.received().len(), 1);
}

#[tokio::test]
async fn each_retry_request_sends_the_delivery_again_under_the_same_id() {
    let it = AnsweredReview::with_receiver([]).await;
    assert!(it.deliver().await);
    for times in 2..=3 {
        it.world.advance_clock(Duration::from_secs(1));
        it.retry().await;
        assert_eq!(it.status().await, "sent");
        assert_eq!(it.deliver_until_received(times).await.len(), times);
        assert_eq!(it.status().await, "webhook_delivered");
    }
    let received = it.receiver.received();
    assert!(received.iter().all(|one| (one.id(), &one.body) == (received[0].id(), &received[0].body)));
}

/// Creates a queue and its dead-letter queue; returns both URLs. The queue itself would move a message only after three
/// receives, 30 s apart.
async fn queue_with_dead_letters(world: &World) -> (String, String) {
    let dead = world.dead_letter_queue().await;
    let arn = world.sqs.get_queue_attributes().queue_url(&dead).attribute_names(Name::QueueArn).send().await.unwrap();
    let arn = arn.attributes.unwrap()[&Name::QueueArn].clone();
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 3 }).to_string();
    (world.queue(&[(Name::RedrivePolicy, &policy), (Name::VisibilityTimeout, "30")]).await, dead)
}

async fn receive_dead_letter(world: &World, dead: &str) -> Value {
    for _ in 0..10 {
        let received = world.sqs.receive_message().queue_url(dead).wait_time_seconds(2).send().await.unwrap();
        if let Some(message) = received.messages.unwrap_or_default().pop() {
            return serde_json::from_str(message.body().unwrap()).unwrap();
        }
    }
    panic!("no message was dead-lettered")
}

#[tokio::test]
async fn a_failed_delivery_is_dead_lettered_at_once_and_can_be_retried() {
    let it = AnsweredReview::with_receiver([ResponsePlan::status(410)]).await;
    let (queue, dead) = queue_with_dead_letters(&it.world).await;
    let app = App { queue: it.driver.events.queue.clone().at(&queue), ..it.driver.events.clone() };
    let mut workers = Workers::default();
    let webhooks = App {
        outbound: Outbound::new(true),
        ..it.world.function("webhooks").on_queue(&queue).with_dead_letters(&dead)
    };
    let (source, sender) = (QueueSource::new(&it.world.sqs, &queue), webhooks);
    workers.start(|stop| {
        source.consume(stop, move |event| {
            let app = sender.clone();
            async move { webhooks::handle(&app, event).await }
        })
    });
    let reference: Value = serde_json::from_str(it.delivery.body.as_deref().unwrap()).unwrap();
    app.queue.send(&serde_json::from_value(reference.clone()).unwrap()).await.unwrap();
    assert_eq!(receive_dead_letter(&it.world, &dead).await, reference);
    assert_eq!((it.receiver.received().len(), it.status().await), (1, json!("webhook_failed")));
    it.retry().await;
    let received = it.deliver_until_received(2).await;
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(it.status().await, "webhook_delivered");
    workers.stop().await;
}
