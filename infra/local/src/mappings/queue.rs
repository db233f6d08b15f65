//! A queue's messages, brought to a function as SQS's event source mapping does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Stop, pause};

/// Batches at a time. One slow receiver holds up the whole batch that it is in, and the function has
/// a few deliveries of each user under way: there are many more batches than that.
const BATCHES: usize = 100;
const BATCH: i32 = 10;
/// SQS's longest.
const WAIT_SECONDS: i32 = 20;

/// A queue, by its client and its URL.
#[derive(Clone)]
pub struct Source {
    client: aws_sdk_sqs::Client,
    url: Arc<str>,
}

impl Source {
    pub fn new(client: &aws_sdk_sqs::Client, url: &str) -> Self {
        // A receive is answered when a message comes: later than any other call may be.
        let longest = Duration::from_secs(WAIT_SECONDS as u64 + 5);
        let timeouts = TimeoutConfig::builder().read_timeout(longest).operation_timeout(longest).build();
        let config = client.config().to_builder().timeout_config(timeouts).build();
        Self { client: aws_sdk_sqs::Client::from_conf(config), url: url.into() }
    }

    /// Brings messages to `function` until told to stop; then lets the batches in flight end.
    pub async fn consume<F, R>(self, mut stop: Stop, function: F)
    where
        F: Fn(SqsEvent) -> R + Clone + Send + 'static,
        R: Future<Output = SqsBatchResponse> + Send,
    {
        let permits = Arc::new(Semaphore::new(BATCHES));
        let mut batches = JoinSet::new();
        let mut failures = 0;
        while !stop.asked() {
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
                        source.bring(messages, function).await;
                        drop(permit);
                    });
                }
                Err(err) => {
                    failures += 1;
                    tracing::warn!(cause = %DisplayErrorContext(err), "the queue cannot be read");
                    stop.sleep(pause(failures, Duration::from_millis(100), Duration::from_secs(10))).await;
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
            .max_number_of_messages(BATCH)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await?;
        Ok(found.messages.unwrap_or_default())
    }

    /// Deletes those of a batch that the function is done with. The others come back by
    /// themselves, as does one whose deletion fails.
    async fn bring<R: Future<Output = SqsBatchResponse>>(
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
        // Lambda takes an identifier that is empty for a failure of all.
        if failed.contains("") {
            return;
        }
        let done = receipts.into_iter().filter(|(id, _)| id.as_ref().is_none_or(|id| !failed.contains(id)));
        let entries = done.enumerate().map(|(number, (_, receipt))| {
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(receipt).build()
        });
        let Ok(entries) = entries.collect::<Result<Vec<_>, _>>() else { return };
        if entries.is_empty() {
            return;
        }
        let deletion = self.client.delete_message_batch().queue_url(&*self.url).set_entries(Some(entries));
        match deletion.send().await {
            Ok(outcome) if outcome.failed.is_empty() => {}
            Ok(outcome) => tracing::warn!(count = outcome.failed.len(), "messages that are done stay in the queue"),
            Err(err) => tracing::warn!(cause = %DisplayErrorContext(err), "messages that are done stay in the queue"),
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
