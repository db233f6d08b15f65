//! Invokes a function with the records of the table's stream, as Lambda's event source mapping for
//! DynamoDB does: the records of each shard in order, parent shards before their children.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use aws_smithy_types::error::display::DisplayErrorContext;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::checkpoints::Checkpoints;
use super::write_notifier::WriteNotifier;
use super::{StopSignal, backoff, record};

/// Records per invocation at most.
pub(super) const BATCH_SIZE: i32 = 100;
/// How often new shards are looked up while no shard ends.
const SHARD_REFRESH_INTERVAL: Duration = Duration::from_secs(10);
/// How often an empty shard is polled without a notification, for `BUSY_PERIOD` after the last record.
const BUSY_POLL_INTERVAL: Duration = Duration::from_millis(100);
const BUSY_PERIOD: Duration = Duration::from_secs(2);
/// Records of writes that follow each other this quickly are read together: each read costs as much as a few records.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(10);
/// How often it is polled after that.
const IDLE_POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The delay before a failed shard is read again, which doubles up to the maximum.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// How often a failing record is retried before it moves to the dead-letter queue. The delay doubles
/// from `initial_delay` to `max_delay`.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    pub max_attempts: u32,
    pub initial_delay: Duration,
    pub max_delay: Duration,
}

/// About three and a half minutes in total, to outlast a short storage outage.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 12, initial_delay: Duration::from_millis(100), max_delay: Duration::from_secs(60) }
    }
}

/// The queue for records that cannot be processed.
#[derive(Clone)]
pub struct DeadLetterQueue {
    pub client: aws_sdk_sqs::Client,
    pub url: String,
}

/// A table's stream to read.
#[derive(Clone)]
pub struct StreamSource {
    pub client: aws_sdk_dynamodbstreams::Client,
    pub arn: String,
    pub checkpoints: Checkpoints,
    pub dead_letter_queue: DeadLetterQueue,
    pub retry_policy: RetryPolicy,
    pub notifier: WriteNotifier,
}

/// Why reading a shard restarts from its checkpoint.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("{0}")]
    Stream(String),
    #[error("the checkpoint cannot be saved: {0}")]
    Checkpoint(#[from] rusqlite::Error),
    #[error("a record cannot be sent to the dead-letter queue: {0}")]
    DeadLetterQueue(String),
}

impl StreamError {
    pub(super) fn new(err: impl std::error::Error) -> Self {
        Self::Stream(DisplayErrorContext(err).to_string())
    }
}

impl StreamSource {
    /// Invokes `function` with batches of records until stopped.
    pub async fn consume<F, R>(self, mut stop: StopSignal, function: F)
    where
        F: Fn(Event) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = DynamoDbEventResponse> + Send,
    {
        let mut reading = HashSet::new();
        let mut readers = JoinSet::new();
        while !stop.is_set() {
            match self.ready_shards(&reading).await {
                Ok(shards) => {
                    for shard in shards {
                        reading.insert(shard.clone());
                        let (source, stop, function) = (self.clone(), stop.clone(), function.clone());
                        readers.spawn(async move {
                            source.read_shard(&shard, stop, function).await;
                            shard
                        });
                    }
                }
                Err(err) => tracing::warn!(cause = %err, "the stream could not be read"),
            }
            let refresh = if reading.is_empty() { IDLE_POLL_INTERVAL } else { SHARD_REFRESH_INTERVAL };
            tokio::select! {
                biased;
                () = stop.wait() => {}
                Some(Ok(shard)) = readers.join_next() => { reading.remove(&shard); }
                () = tokio::time::sleep(refresh) => {}
            }
        }
        while readers.join_next().await.is_some() {}
    }

    /// Reads one shard to its end; after a failure it restarts from the checkpoint.
    async fn read_shard<F, R>(&self, shard: &str, mut stop: StopSignal, function: F)
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        let mut failures = 0;
        while let Err(err) = self.read_from_checkpoint(shard, &mut stop, &function, &mut failures).await {
            if stop.is_set() {
                return;
            }
            failures += 1;
            tracing::warn!(cause = %err, "reading the stream restarts from the checkpoint");
            stop.sleep(backoff(failures, INITIAL_RETRY_DELAY, MAX_RETRY_DELAY)).await;
        }
    }

    /// Reads one shard from its checkpoint to its end, or until stopped. Resets `failures` after every
    /// successful read.
    async fn read_from_checkpoint<F, R>(
        &self,
        shard: &str,
        stop: &mut StopSignal,
        function: &F,
        failures: &mut u32,
    ) -> Result<(), StreamError>
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        // Subscribed before the first read, so that no write in between is missed.
        let mut writes = self.notifier.subscribe();
        let mut iterator = self.shard_iterator(shard).await?;
        let mut last_activity = Instant::now();
        let mut next_read = Instant::now();
        while !stop.is_set() {
            stop.sleep(next_read.saturating_duration_since(Instant::now())).await;
            next_read = Instant::now() + MIN_READ_INTERVAL;
            writes.mark_unchanged();
            let page = self.get_records(iterator).await?;
            *failures = 0;
            let records = page.records.unwrap_or_default();
            let is_empty = records.is_empty();
            let records = records.into_iter().map(|it| record::from_sdk(it, &self.arn)).collect();
            self.invoke(shard, records, stop, function).await?;
            let Some(next) = page.next_shard_iterator else {
                // After a stop within the last records, the next start resumes the shard.
                return if stop.is_set() { Ok(()) } else { Ok(self.checkpoints.finish(shard).await?) };
            };
            iterator = next;
            let is_busy = last_activity.elapsed() < BUSY_PERIOD;
            let interval = if is_busy { BUSY_POLL_INTERVAL } else { IDLE_POLL_INTERVAL };
            if !is_empty || wait_for_write(&mut writes, stop, interval).await {
                last_activity = Instant::now();
            }
        }
        Ok(())
    }

    /// Invokes the function until every record is processed or in the dead-letter queue, or until
    /// stopped.
    async fn invoke<F, R>(
        &self,
        shard: &str,
        records: Vec<EventRecord>,
        stop: &mut StopSignal,
        function: &F,
    ) -> Result<(), StreamError>
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        let (mut rest, mut attempts) = (&records[..], 0);
        while !rest.is_empty() && !stop.is_set() {
            let mut event = Event::default();
            event.records = rest.to_vec();
            let processed = processed_count(rest, &function(event).await);
            if processed > 0 {
                self.save_checkpoint(shard, &rest[processed - 1]).await?;
                (rest, attempts) = (&rest[processed..], 0);
            }
            let Some(failed) = rest.first() else { break };
            attempts += 1;
            let RetryPolicy { max_attempts, initial_delay, max_delay } = self.retry_policy;
            if attempts < max_attempts {
                stop.sleep(backoff(attempts, initial_delay, max_delay)).await;
                continue;
            }
            self.dead_letter(shard, failed).await?;
            self.save_checkpoint(shard, failed).await?;
            (rest, attempts) = (&rest[1..], 0);
        }
        Ok(())
    }

    async fn save_checkpoint(&self, shard: &str, last: &EventRecord) -> Result<(), StreamError> {
        let number = last.change.sequence_number.as_deref().unwrap_or_default();
        let written_at = last.change.approximate_creation_date_time.timestamp();
        Ok(self.checkpoints.save(shard, number, written_at).await?)
    }

    /// Sends a record to the dead-letter queue in the format of Lambda's on-failure destination. The
    /// message includes the item's keys, because the stream keeps the record for only 24 hours.
    async fn dead_letter(&self, shard: &str, record: &EventRecord) -> Result<(), StreamError> {
        let number = record.change.sequence_number.as_deref().unwrap_or_default();
        let body = json!({
            "version": "1.0",
            "requestContext": {
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self.retry_policy.max_attempts,
            },
            "DDBStreamBatchInfo": {
                "streamArn": self.arn,
                "shardId": shard,
                "startSequenceNumber": number,
                "endSequenceNumber": number,
                "batchSize": 1,
            },
            "eventID": record.event_id,
            "eventName": record.event_name,
            "keys": record.change.keys,
        });
        let DeadLetterQueue { client, url } = &self.dead_letter_queue;
        let sent = client.send_message().queue_url(url).message_body(body.to_string()).send().await;
        sent.map_err(|err| StreamError::DeadLetterQueue(DisplayErrorContext(err).to_string()))?;
        tracing::error!(
            sequence_number = number,
            "an event failed every attempt and was sent to the dead-letter queue"
        );
        Ok(())
    }
}

/// The number of records before the first failed one.
fn processed_count(records: &[EventRecord], response: &DynamoDbEventResponse) -> usize {
    let failures = response.batch_item_failures.iter();
    let at = failures.map(|failure| {
        let number = failure.item_identifier.as_deref().filter(|number| !number.is_empty());
        // To Lambda, an unknown identifier means that the whole batch failed.
        number.and_then(|number| records.iter().position(|it| it.change.sequence_number.as_deref() == Some(number)))
    });
    at.map(Option::unwrap_or_default).min().unwrap_or(records.len())
}

/// Waits for a write, at most for `span` or until stopped; `true` after a write.
async fn wait_for_write(writes: &mut watch::Receiver<()>, stop: &mut StopSignal, span: Duration) -> bool {
    tokio::select! {
        biased;
        () = stop.wait() => false,
        Ok(()) = writes.changed() => true,
        () = tokio::time::sleep(span) => false,
    }
}
