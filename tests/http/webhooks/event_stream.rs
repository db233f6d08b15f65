//! The loop that brings the table's stream to a function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_dynamodb::types::AttributeValue;
use placet_local::event_sources::Workers;
use placet_local::event_sources::stream::{RetryPolicy, StreamSource};
use serde_json::Value;
use test_support::World;
use tokio::sync::watch;

const QUICK: RetryPolicy =
    RetryPolicy { max_attempts: 3, initial_delay: Duration::from_millis(1), max_delay: Duration::from_millis(5) };

/// What a function was given: every record's sort key and how it was done, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>, Arc<watch::Sender<usize>>);

impl Seen {
    /// Waits until this many records were accepted.
    async fn accepted(&self, count: usize) -> Vec<String> {
        let enough = async { self.1.subscribe().wait_for(|accepted| *accepted >= count).await.map(drop) };
        tokio::time::timeout(Duration::from_secs(20), enough).await.expect("they come").unwrap();
        self.0.lock().unwrap().clone()
    }

    fn note(&self, record: &EventRecord) {
        self.0.lock().unwrap().push(sort_key(record));
        self.1.send_modify(|count| *count += 1);
    }
}

fn sort_key(record: &EventRecord) -> String {
    let keys = serde_json::to_value(&record.change.keys).unwrap();
    keys["sk"]["S"].as_str().unwrap().to_owned()
}

/// The table's stream, and the URL of the queue for what is set aside.
pub async fn source(world: &World) -> (StreamSource, String) {
    let (sources, urls) = world.sources().await;
    (StreamSource { retry_policy: QUICK, ..sources.stream }, urls.failed_events)
}

/// Writes an item under every sort key, all of one partition.
async fn write(world: &World, keys: &[&str]) {
    let client = world.write_notifier.observe(&world.clients.dynamodb);
    for key in keys {
        let item = HashMap::from(
            [("pk", "STREAM TEST"), ("sk", key), ("text", "Grüße")]
                .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))),
        );
        client.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
    }
}

/// Starts the loop with a function that fails on records whose key says so.
fn start(source: StreamSource, seen: &Seen) -> Workers {
    let mut workers = Workers::default();
    let seen = seen.clone();
    workers.start(|stop| {
        source.consume(stop, move |event: Event| {
            let seen = seen.clone();
            async move {
                let mut response = DynamoDbEventResponse::default();
                for record in event.records {
                    if sort_key(&record).starts_with("poison") {
                        let mut failure = DynamoDbBatchItemFailure::default();
                        failure.item_identifier = record.change.sequence_number;
                        response.batch_item_failures.push(failure);
                        return response;
                    }
                    seen.note(&record);
                }
                response
            }
        })
    });
    workers
}

#[tokio::test]
async fn every_write_arrives_once_in_order_and_reading_resumes() {
    let world = World::isolated().await;
    let (source, _) = source(&world).await;
    let seen = Seen::default();
    write(&world, &["0", "1"]).await;
    let workers = start(source.clone(), &seen);
    write(&world, &["2"]).await;
    assert_eq!(seen.accepted(3).await, ["0", "1", "2"]);
    workers.stop().await;
    write(&world, &["3", "4"]).await;
    let again = Seen::default();
    let workers = start(source, &again);
    assert_eq!(again.accepted(2).await, ["3", "4"]);
    workers.stop().await;
    assert_eq!(again.accepted(2).await, ["3", "4"]);
}

#[tokio::test]
async fn a_record_has_both_images_and_its_source() {
    let world = World::isolated().await;
    let (source, _) = source(&world).await;
    let arn = source.arn.clone();
    write(&world, &["a"]).await;
    write(&world, &["a"]).await;
    let client = world.write_notifier.observe(&world.clients.dynamodb);
    let change = client.update_item().table_name(&world.table).update_expression("SET n = :n");
    let change = change.key("pk", AttributeValue::S("STREAM TEST".into())).key("sk", AttributeValue::S("a".into()));
    change.expression_attribute_values(":n", AttributeValue::N("1".into())).send().await.unwrap();
    let (given, mut got) = tokio::sync::mpsc::unbounded_channel();
    let mut workers = Workers::default();
    workers.start(|stop| {
        source.consume(stop, move |event: Event| {
            event.records.into_iter().for_each(|record| given.send(record).unwrap());
            std::future::ready(DynamoDbEventResponse::default())
        })
    });
    let (first, mut last) = (got.recv().await.unwrap(), got.recv().await.unwrap());
    // A put that changes nothing is no event on DynamoDB.
    if last.change.new_image == first.change.new_image {
        last = got.recv().await.unwrap();
    }
    assert_eq!((first.event_name.as_str(), last.event_name.as_str()), ("INSERT", "MODIFY"));
    let image = |image: &serde_dynamo::Item| -> Value { serde_dynamo::from_item(image.clone()).unwrap() };
    assert_eq!(image(&first.change.new_image)["text"], "Grüße");
    assert!(first.change.old_image.is_empty());
    assert_eq!(
        (image(&last.change.old_image)["n"].clone(), image(&last.change.new_image)["n"].clone()),
        (Value::Null, 1.into())
    );
    assert_eq!(last.event_source_arn.as_deref(), Some(arn.as_str()));
    workers.stop().await;
}

#[tokio::test]
async fn a_record_that_always_fails_is_dead_lettered_and_others_keep_their_order() {
    let world = World::isolated().await;
    let (source, dead) = source(&world).await;
    let seen = Seen::default();
    write(&world, &["0", "poison", "1", "2"]).await;
    let workers = start(source, &seen);
    assert_eq!(seen.accepted(3).await, ["0", "1", "2"]);
    workers.stop().await;
    let set_aside = world.sqs.receive_message().queue_url(&dead).wait_time_seconds(1).send().await.unwrap();
    let body: Value = serde_json::from_str(set_aside.messages()[0].body().unwrap()).unwrap();
    assert_eq!(body["keys"]["sk"]["S"], "poison");
    assert_eq!(body["requestContext"]["approximateInvokeCount"], 3);
}

/// Of the embedded engine alone: DynamoDB does both by itself.
#[tokio::test]
async fn the_embedded_stream_trims_only_records_already_read() {
    let world = World::embedded().await;
    let (source, _) = source(&world).await;
    let (seen, log) = (Seen::default(), world.stream_retention().unwrap());
    write(&world, &["0", "1", "2"]).await;
    let workers = start(source.clone(), &seen);
    seen.accepted(3).await;
    workers.stop().await;
    let before = source.checkpoints.processed_until().await.unwrap().unwrap();
    // What was written in the last record's second may be unread.
    let removed = log.trim(before).await.unwrap();
    write(&world, &["3", "4"]).await;
    // Whatever the time says, the last record stays: the numbers go on from it.
    assert_eq!(removed + log.trim(i64::MAX).await.unwrap(), 4);
    let again = Seen::default();
    let workers = start(source, &again);
    assert_eq!(again.accepted(1).await, ["4"]);
    write(&world, &["5"]).await;
    assert_eq!(again.accepted(2).await, ["4", "5"]);
    workers.stop().await;
}
