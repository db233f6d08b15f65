//! The local worker that passes the table's stream to a function.

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

const FAST_RETRIES: RetryPolicy =
    RetryPolicy { max_attempts: 3, initial_delay: Duration::from_millis(1), max_delay: Duration::from_millis(5) };

/// The sort keys of the records that a function accepted, in order, and their number.
#[derive(Clone, Default)]
struct AcceptedRecords(Arc<Mutex<Vec<String>>>, Arc<watch::Sender<usize>>);

impl AcceptedRecords {
    /// Waits until `count` records were accepted; returns their sort keys.
    async fn wait_for(&self, count: usize) -> Vec<String> {
        let enough = async { self.1.subscribe().wait_for(|accepted| *accepted >= count).await.map(drop) };
        tokio::time::timeout(Duration::from_secs(20), enough).await.expect("the records arrive").unwrap();
        self.0.lock().unwrap().clone()
    }

    fn push(&self, record: &EventRecord) {
        self.0.lock().unwrap().push(sort_key(record));
        self.1.send_modify(|count| *count += 1);
    }
}

/// The sort key of a changed item.
pub fn sort_key(record: &EventRecord) -> String {
    let keys = serde_json::to_value(&record.change.keys).unwrap();
    keys["sk"]["S"].as_str().unwrap().to_owned()
}

/// The table's stream as an event source, and the URL of its dead-letter queue.
pub async fn stream_source(world: &World) -> (StreamSource, String) {
    let (sources, urls) = world.sources().await;
    (StreamSource { retry_policy: FAST_RETRIES, ..sources.stream }, urls.failed_events)
}

/// Writes an item under each sort key of one partition.
async fn write_items(world: &World, keys: &[&str]) {
    let client = world.write_notifier.observe(&world.clients.dynamodb);
    for key in keys {
        let item = HashMap::from(
            [("pk", "STREAM TEST"), ("sk", key), ("text", "Grüße")]
                .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))),
        );
        client.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
    }
}

/// Starts the worker with a function that fails on keys that start with `poison`.
fn start_worker(source: StreamSource, accepted: &AcceptedRecords) -> Workers {
    let mut workers = Workers::default();
    let accepted = accepted.clone();
    workers.start(|stop| {
        source.consume(stop, move |event: Event| {
            let accepted = accepted.clone();
            async move {
                let mut response = DynamoDbEventResponse::default();
                for record in event.records {
                    if sort_key(&record).starts_with("poison") {
                        let mut failure = DynamoDbBatchItemFailure::default();
                        failure.item_identifier = record.change.sequence_number;
                        response.batch_item_failures.push(failure);
                        return response;
                    }
                    accepted.push(&record);
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
    let (source, _) = stream_source(&world).await;
    let accepted = AcceptedRecords::default();
    write_items(&world, &["0", "1"]).await;
    let workers = start_worker(source.clone(), &accepted);
    write_items(&world, &["2"]).await;
    assert_eq!(accepted.wait_for(3).await, ["0", "1", "2"]);
    workers.stop().await;
    write_items(&world, &["3", "4"]).await;
    let again = AcceptedRecords::default();
    let workers = start_worker(source, &again);
    assert_eq!(again.wait_for(2).await, ["3", "4"]);
    workers.stop().await;
    assert_eq!(again.wait_for(2).await, ["3", "4"]);
}

#[tokio::test]
async fn a_record_has_both_images_and_its_source() {
    let world = World::isolated().await;
    let (source, _) = stream_source(&world).await;
    let arn = source.arn.clone();
    write_items(&world, &["a"]).await;
    write_items(&world, &["a"]).await;
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
    // On DynamoDB, a put that changes nothing creates no record.
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
    let (source, dead) = stream_source(&world).await;
    let accepted = AcceptedRecords::default();
    write_items(&world, &["0", "poison", "1", "2"]).await;
    let workers = start_worker(source, &accepted);
    assert_eq!(accepted.wait_for(3).await, ["0", "1", "2"]);
    workers.stop().await;
    let dead_lettered = world.sqs.receive_message().queue_url(&dead).wait_time_seconds(1).send().await.unwrap();
    let body: Value = serde_json::from_str(dead_lettered.messages()[0].body().unwrap()).unwrap();
    assert_eq!(body["keys"]["sk"]["S"], "poison");
    assert_eq!(body["requestContext"]["approximateInvokeCount"], 3);
}

/// Only for the embedded engine: DynamoDB trims its stream itself.
#[tokio::test]
async fn the_embedded_stream_trims_only_records_already_read() {
    let world = World::embedded().await;
    let (source, _) = stream_source(&world).await;
    let (accepted, log) = (AcceptedRecords::default(), world.stream_retention().unwrap());
    write_items(&world, &["0", "1", "2"]).await;
    let workers = start_worker(source.clone(), &accepted);
    accepted.wait_for(3).await;
    workers.stop().await;
    let before = source.checkpoints.processed_until().await.unwrap().unwrap();
    // Records of the last read record's second may be unread.
    let removed = log.trim(before).await.unwrap();
    write_items(&world, &["3", "4"]).await;
    // The last record always stays, because sequence numbers continue from it.
    assert_eq!(removed + log.trim(i64::MAX).await.unwrap(), 4);
    let again = AcceptedRecords::default();
    let workers = start_worker(source, &again);
    assert_eq!(again.wait_for(1).await, ["4"]);
    write_items(&world, &["5"]).await;
    assert_eq!(again.wait_for(2).await, ["4", "5"]);
    workers.stop().await;
}
