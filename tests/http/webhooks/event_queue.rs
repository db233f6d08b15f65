//! The local worker that passes a queue's messages to a function.

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::QueueAttributeName as Name;
use placet_local::event_sources::Workers;
use placet_local::event_sources::queue::QueueSource;
use test_support::World;
use tokio::sync::{Semaphore, mpsc};

async fn send(world: &World, queue: &str, body: &str) {
    world.sqs.send_message().queue_url(queue).message_body(body).send().await.unwrap();
}

/// The number of messages in the queue, visible or not.
async fn count_messages(world: &World, queue: &str) -> usize {
    let reply = world.sqs.get_queue_attributes().queue_url(queue).attribute_names(Name::All).send().await.unwrap();
    let attributes = reply.attributes.unwrap();
    let count = |name| attributes[&name].parse::<usize>().unwrap();
    count(Name::ApproximateNumberOfMessages) + count(Name::ApproximateNumberOfMessagesNotVisible)
}

#[tokio::test]
async fn processed_messages_are_deleted_and_failed_ones_return() {
    let world = World::start().await;
    let queue = world.queue(&[(Name::VisibilityTimeout, "1")]).await;
    let (given, mut got) = mpsc::unbounded_channel::<SqsMessage>();
    let mut workers = Workers::default();
    let source = QueueSource::new(&world.sqs, &queue);
    workers.start(|stop| {
        source.consume(stop, move |event: SqsEvent| {
            let mut response = SqsBatchResponse::default();
            for message in event.records {
                let first = message.attributes["ApproximateReceiveCount"] == "1";
                if first && message.body.as_deref() == Some("fails at first") {
                    response.add_failure(message.message_id.clone().unwrap());
                }
                given.send(message).unwrap();
            }
            std::future::ready(response)
        })
    });
    send(&world, &queue, "works").await;
    send(&world, &queue, "fails at first").await;
    let mut bodies: Vec<String> = vec![];
    let count = |bodies: &[String], text: &str| bodies.iter().filter(|body| *body == text).count();
    // A message that a slow machine deletes late comes again.
    while count(&bodies, "fails at first") < 2 || count(&bodies, "works") < 1 {
        bodies.push(got.recv().await.unwrap().body.unwrap());
    }
    workers.stop().await;
    assert_eq!(count_messages(&world, &queue).await, 0);
}

#[tokio::test]
async fn a_stop_finishes_messages_in_flight_and_takes_no_new_ones() {
    let world = World::start().await;
    let queue = world.queue(&[]).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let hold = Arc::new(Semaphore::new(0));
    let mut workers = Workers::default();
    let source = QueueSource::new(&world.sqs, &queue);
    let held = hold.clone();
    workers.start(|stop| {
        source.consume(stop, move |_| {
            began.send(()).unwrap();
            let held = held.clone();
            async move {
                held.acquire().await.unwrap().forget();
                SqsBatchResponse::default()
            }
        })
    });
    // A message that is still being processed does not delay the next one.
    send(&world, &queue, "1").await;
    begun.recv().await.unwrap();
    send(&world, &queue, "2").await;
    begun.recv().await.unwrap();
    let stopping = tokio::spawn(workers.stop());
    // Let the worker receive its stop signal before the next message is sent.
    tokio::task::yield_now().await;
    send(&world, &queue, "3").await;
    assert!(!stopping.is_finished());
    hold.add_permits(2);
    stopping.await.unwrap();
    assert_eq!(count_messages(&world, &queue).await, 1);
    assert!(begun.try_recv().is_err());
}
