//! Invokes a function with the messages of a queue, as Lambda's event source mapping for SQS does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{StopSignal, backoff};

/// Batches processed concurrently. A slow webhook receiver delays its whole batch, and the function
/// limits the concurrent deliveries of each user, so the limit is far above that one.
const MAX_CONCURRENT_BATCHES: usize = 100;
/// Messages per batch: SQS's maximum.
const BATCH_SIZE: i32 = 10;
/// The long poll of a receive: SQS's maximum.
const WAIT_SECONDS: i32 = 20;
/// The delay after a failed receive, which doubles up to the maximum.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// A queue to read.
#[derive(Clone)]
pub struct QueueSource {
    client: aws_sdk_sqs::Client,
    url: Arc<str>,
}

impl QueueSource {
    /// Reads the queue at this URL.
    pub fn new(client: &aws_sdk_sqs::Client, url: &str) -> Self {
        // A receive blocks until a message arrives, so it needs a longer timeout than other calls.
        let timeout = Duration::from_secs(WAIT_SECONDS as u64 + 5);
        let timeouts = TimeoutConfig::builder().read_timeout(timeout).operation_timeout(timeout).build();
        let config = client.config().to_builder().timeout_config(timeouts).build();
        Self { client: aws_sdk_sqs::Client::from_conf(config), url: url.into() }
    }

    /// Invokes `function` with batches of messages until stopped, then waits for running batches.
    pub async fn consume<F, R>(self, mut stop: StopSignal, function: F)
    where
        F: Fn(SqsEvent) -> R + Clone + Send + 'static,
        R: Future<Output = SqsBatchResponse> + Send,
    {
        let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_BATCHES));
        let mut batches = JoinSet::new();
        let mut failures = 0;
        while !stop.is_set() {
            let received = async {
                let permit = permits.clone().acquire_owned().await;
                (permit, self.receive().await)
            };
            let (permit, received) = tokio::select! {
                biased;
                () = stop.wait() => break,
                received = received => received,
            };
            match received {
                Ok(messages) if messages.is_empty() => failures = 0,
                Ok(messages) => {
                    failures = 0;
                    let (source, function) = (self.clone(), function.clone());
                    batches.spawn(async move {
                        source.invoke(messages, function).await;
                        drop(permit);
                    });
                }
                Err(err) => {
                    failures += 1;
                    tracing::warn!(cause = %DisplayErrorContext(err), "the queue could not be read");
                    stop.sleep(backoff(failures, INITIAL_RETRY_DELAY, MAX_RETRY_DELAY)).await;
                }
            }
            while batches.try_join_next().is_some() {}
        }
        while batches.join_next().await.is_some() {}
    }

    async fn receive(&self) -> Result<Vec<Message>, aws_sdk_sqs::Error> {
        let found = self
            .client
            .receive_message()
            .queue_url(&*self.url)
            .max_number_of_messages(BATCH_SIZE)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await?;
        Ok(found.messages.unwrap_or_default())
    }

    /// Invokes the function and deletes the messages that it processed. The others become visible
    /// again, as does a message whose deletion fails.
    async fn invoke<R: Future<Output = SqsBatchResponse>>(
        &self,
        messages: Vec<Message>,
        function: impl Fn(SqsEvent) -> R,
    ) {
        let receipts: Vec<_> =
            messages.iter().map(|it| (it.message_id.clone(), it.receipt_handle.clone().unwrap_or_default())).collect();
        let mut event = SqsEvent::default();
        event.records = messages.into_iter().map(from_sdk).collect();
        let response = function(event).await;
        let failed: HashSet<_> = response.batch_item_failures.into_iter().map(|it| it.item_identifier).collect();
        // To Lambda, an empty identifier means that the whole batch failed.
        if failed.contains("") {
            return;
        }
        let processed = receipts.into_iter().filter(|(id, _)| id.as_ref().is_none_or(|id| !failed.contains(id)));
        self.delete(processed.map(|(_, receipt)| receipt)).await;
    }

    async fn delete(&self, receipts: impl Iterator<Item = String>) {
        let entries = receipts.enumerate().map(|(number, receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(receipt).build()
        });
        let Ok(entries) = entries.collect::<Result<Vec<_>, _>>() else { return };
        if entries.is_empty() {
            return;
        }
        let deletion = self.client.delete_message_batch().queue_url(&*self.url).set_entries(Some(entries));
        match deletion.send().await {
            Ok(outcome) if outcome.failed.is_empty() => {}
            Ok(outcome) => tracing::warn!(count = outcome.failed.len(), "processed messages could not be deleted"),
            Err(err) => tracing::warn!(cause = %DisplayErrorContext(err), "processed messages could not be deleted"),
        }
    }
}

fn from_sdk(message: Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = message.message_id;
    record.receipt_handle = message.receipt_handle;
    record.body = message.body;
    record.md5_of_body = message.md5_of_body;
    let attributes = message.attributes.unwrap_or_default().into_iter();
    record.attributes = attributes.map(|(name, value)| (name.as_str().to_owned(), value)).collect();
    record.event_source = Some("aws:sqs".to_owned());
    record
}
