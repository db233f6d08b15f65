//! The table's stream, brought to a function as DynamoDB's event source mapping does: each
//! shard's records in order, parents before their children.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsOutput;
use aws_sdk_dynamodbstreams::types::{Shard, ShardIteratorType};
use aws_smithy_types::error::display::DisplayErrorContext;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::positions::Positions;
use super::writes::Writes;
use super::{Stop, pause, record};

/// Records that a function is given at once.
const BATCH: i32 = 100;
/// How often to look for new shards when none has ended.
const LOOK_FOR_SHARDS: Duration = Duration::from_secs(10);
/// How often to ask for records that nobody told of: often after something happened.
const BUSY: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_millis(500);
const BUSY_FOR: Duration = Duration::from_secs(2);

/// How often a record is tried before it is set aside, and how long to wait in between.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub tries: u32,
    pub first: Duration,
    pub longest: Duration,
}

/// About three and a half minutes: storage may be in trouble for a while.
impl Default for Patience {
    fn default() -> Self {
        Self { tries: 12, first: Duration::from_millis(100), longest: Duration::from_secs(60) }
    }
}

/// A queue for records that cannot be handled.
#[derive(Clone)]
pub struct DeadLetters {
    pub client: aws_sdk_sqs::Client,
    pub url: String,
}

/// A table's stream.
#[derive(Clone)]
pub struct Source {
    pub client: aws_sdk_dynamodbstreams::Client,
    pub arn: String,
    pub positions: Positions,
    pub dead_letters: DeadLetters,
    pub patience: Patience,
    pub writes: Writes,
}

/// Why reading a shard is begun anew from its stored position.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Stream(String),
    #[error("the position cannot be kept: {0}")]
    Position(#[from] rusqlite::Error),
    #[error("a record cannot be set aside: {0}")]
    DeadLetters(String),
}

impl Trouble {
    fn stream(err: impl std::error::Error) -> Self {
        Self::Stream(DisplayErrorContext(err).to_string())
    }
}

impl Source {
    /// Brings records to `function` until told to stop.
    pub async fn consume<F, R>(self, mut stop: Stop, function: F)
    where
        F: Fn(Event) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = DynamoDbEventResponse> + Send,
    {
        let mut reading = HashSet::new();
        let mut readers = JoinSet::new();
        while !stop.asked() {
            match self.ready(&reading).await {
                Ok(shards) => {
                    for shard in shards {
                        reading.insert(shard.clone());
                        let (source, stop, function) = (self.clone(), stop.clone(), function.clone());
                        readers.spawn(async move {
                            source.read(&shard, stop, function).await;
                            shard
                        });
                    }
                }
                Err(err) => tracing::warn!(cause = %err, "the stream cannot be read"),
            }
            let look = if reading.is_empty() { IDLE } else { LOOK_FOR_SHARDS };
            tokio::select! {
                biased;
                () = stop.wait() => {}
                Some(Ok(shard)) = readers.join_next() => { reading.remove(&shard); }
                () = tokio::time::sleep(look) => {}
            }
        }
        while readers.join_next().await.is_some() {}
    }

    /// Shards to begin with: those not done yet, whose parents are.
    async fn ready(&self, reading: &HashSet<String>) -> Result<Vec<String>, Trouble> {
        let shards = self.shards().await?;
        let positions = self.positions.all().await?;
        let finished = |id: &str| positions.get(id).is_some_and(|position| position.finished);
        let open: HashSet<_> = shards.iter().filter_map(Shard::shard_id).filter(|id| !finished(id)).collect();
        let ready = shards.iter().filter(|shard| !shard.parent_shard_id().is_some_and(|id| open.contains(id)));
        let ids = ready.filter_map(Shard::shard_id).filter(|id| open.contains(id) && !reading.contains(*id));
        Ok(ids.map(str::to_owned).collect())
    }

    async fn shards(&self) -> Result<Vec<Shard>, Trouble> {
        let (mut shards, mut after) = (vec![], None);
        loop {
            let page = self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(after);
            let page = page.send().await.map_err(Trouble::stream)?.stream_description;
            let Some(page) = page else { return Ok(shards) };
            shards.extend(page.shards.unwrap_or_default());
            after = page.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Reads one shard to its end, however often that has to be begun anew.
    async fn read<F, R>(&self, shard: &str, mut stop: Stop, function: F)
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        let mut failures = 0;
        while let Err(err) = self.read_on(shard, &mut stop, &function, &mut failures).await {
            if stop.asked() {
                return;
            }
            failures += 1;
            tracing::warn!(cause = %err, "reading the stream begins anew from where it was");
            stop.sleep(pause(failures, Duration::from_millis(100), Duration::from_secs(10))).await;
        }
    }

    /// Reads one shard from its stored position, to its end or until told to stop.
    async fn read_on<F, R>(&self, shard: &str, stop: &mut Stop, function: &F, failures: &mut u32) -> Result<(), Trouble>
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        // Before the first read, so that no write falls in between.
        let mut written = self.writes.follow();
        let mut iterator = self.iterator(shard).await?;
        let mut busy = Instant::now();
        while !stop.asked() {
            written.mark_unchanged();
            let page = self.page(iterator).await?;
            *failures = 0;
            let records = page.records.unwrap_or_default();
            let empty = records.is_empty();
            let records = records.into_iter().map(|it| record::from_sdk(it, &self.arn)).collect();
            self.bring(shard, records, stop, function).await?;
            let Some(next) = page.next_shard_iterator else {
                // A stop in the middle of the last records leaves the shard to the next start.
                return if stop.asked() { Ok(()) } else { Ok(self.positions.finished(shard).await?) };
            };
            iterator = next;
            if empty {
                let span = if busy.elapsed() < BUSY_FOR { BUSY } else { IDLE };
                if until_written(&mut written, stop, span).await {
                    busy = Instant::now();
                }
            } else {
                busy = Instant::now();
            }
        }
        Ok(())
    }

    async fn iterator(&self, shard: &str) -> Result<String, Trouble> {
        let position = self.positions.all().await?.remove(shard).unwrap_or_default();
        let ask =
            |kind| self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard).shard_iterator_type(kind);
        let asked = match &position.after {
            Some(number) => ask(ShardIteratorType::AfterSequenceNumber).sequence_number(number).send().await,
            None => ask(ShardIteratorType::TrimHorizon).send().await,
        };
        let found = match asked {
            Err(err) if err.as_service_error().is_some_and(|it| it.is_trimmed_data_access_exception()) => {
                tracing::error!("the stream no longer has what was to be read next: it was not read for a day");
                ask(ShardIteratorType::TrimHorizon).send().await
            }
            other => other,
        };
        let none = || Trouble::Stream("no iterator was given".to_owned());
        found.map_err(Trouble::stream)?.shard_iterator.ok_or_else(none)
    }

    async fn page(&self, iterator: String) -> Result<GetRecordsOutput, Trouble> {
        self.client.get_records().shard_iterator(iterator).limit(BATCH).send().await.map_err(Trouble::stream)
    }

    /// Brings records to the function until all are done or set aside, or it is time to stop.
    async fn bring<F, R>(
        &self,
        shard: &str,
        records: Vec<EventRecord>,
        stop: &mut Stop,
        function: &F,
    ) -> Result<(), Trouble>
    where
        F: Fn(Event) -> R,
        R: Future<Output = DynamoDbEventResponse>,
    {
        let (mut rest, mut tries) = (&records[..], 0);
        while !rest.is_empty() && !stop.asked() {
            let mut event = Event::default();
            event.records = rest.to_vec();
            let done = accepted(rest, &function(event).await);
            if done > 0 {
                self.keep(shard, &rest[done - 1]).await?;
                (rest, tries) = (&rest[done..], 0);
            }
            let Some(failed) = rest.first() else { break };
            tries += 1;
            if tries < self.patience.tries {
                stop.sleep(pause(tries, self.patience.first, self.patience.longest)).await;
                continue;
            }
            self.set_aside(shard, failed).await?;
            self.keep(shard, failed).await?;
            (rest, tries) = (&rest[1..], 0);
        }
        Ok(())
    }

    async fn keep(&self, shard: &str, last: &EventRecord) -> Result<(), Trouble> {
        let number = last.change.sequence_number.as_deref().unwrap_or_default();
        let written_at = last.change.approximate_creation_date_time.timestamp();
        Ok(self.positions.done(shard, number, written_at).await?)
    }

    /// Sends a record to the dead-letter queue in the words of Lambda's on-failure destination,
    /// and with its keys, so that it is found when the stream no longer has it.
    async fn set_aside(&self, shard: &str, record: &EventRecord) -> Result<(), Trouble> {
        let number = record.change.sequence_number.as_deref().unwrap_or_default();
        let body = json!({
            "version": "1.0",
            "requestContext": {
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": self.patience.tries,
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
        let DeadLetters { client, url } = &self.dead_letters;
        let sent = client.send_message().queue_url(url).message_body(body.to_string()).send().await;
        sent.map_err(|err| Trouble::DeadLetters(DisplayErrorContext(err).to_string()))?;
        tracing::error!(sequence_number = number, "an event was tried often enough: it is set aside");
        Ok(())
    }
}

/// How many records from the first on are done: those before the first failed one.
fn accepted(records: &[EventRecord], response: &DynamoDbEventResponse) -> usize {
    let failures = response.batch_item_failures.iter();
    let at = failures.map(|failure| {
        let number = failure.item_identifier.as_deref().filter(|number| !number.is_empty());
        // Lambda takes an identifier that it cannot find for a failure of all.
        number.and_then(|number| records.iter().position(|it| it.change.sequence_number.as_deref() == Some(number)))
    });
    at.map(Option::unwrap_or_default).min().unwrap_or(records.len())
}

/// Waits for a write, for `span` or for the stop; whether it was a write.
async fn until_written(written: &mut watch::Receiver<()>, stop: &mut Stop, span: Duration) -> bool {
    tokio::select! {
        biased;
        () = stop.wait() => false,
        Ok(()) = written.changed() => true,
        () = tokio::time::sleep(span) => false,
    }
}
