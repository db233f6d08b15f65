//! The queues of deliveries and of notifications. A message only references a delivery; the table has its content.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::{Deserialize, Serialize};

use crate::aws::Lazy;
use crate::error::Error;
use crate::ids::{MessageId, UserId};

/// The longest visibility timeout to request. SQS limits the total to 12 hours from the receive, which happened
/// before the request. A longer delay takes several receives.
const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(11 * 3600);

/// The body of a message in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRef {
    pub message_id: MessageId,
    pub webhook_id: String,
    /// The owner of the channel; absent in messages of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
}

/// The body of a message in the queue of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationRef {
    pub owner_id: UserId,
    pub message_id: MessageId,
    /// Where the person is notified, as the table's key has it.
    pub surface: String,
}

/// A client of a queue of deliveries.
#[derive(Clone)]
pub struct Queue {
    client: Lazy<aws_sdk_sqs::Client>,
    url: Option<Arc<str>>,
    dead_letters: Option<Arc<str>>,
}

impl Queue {
    /// Without a URL, for functions that send no messages.
    pub fn unset(client: Lazy<aws_sdk_sqs::Client>) -> Self {
        Self { client, url: None, dead_letters: None }
    }

    /// The same for the queue at this URL.
    pub fn at(self, url: &str) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// The same, with the dead-letter queue at this URL.
    pub fn with_dead_letters(self, url: &str) -> Self {
        Self { dead_letters: Some(url.into()), ..self }
    }

    /// Sends the body of a message whose delivery has failed for good to the dead-letter queue. The caller then deletes
    /// the message from this queue.
    pub async fn dead_letter(&self, body: &str) -> Result<(), Error> {
        let url = self
            .dead_letters
            .as_deref()
            .ok_or_else(|| Error::unavailable("the URL of a dead-letter queue is not set"))?;
        let sent = self.client.send_message().queue_url(url).message_body(body).send().await;
        sent.map(drop).map_err(|err| Error::unavailable(DisplayErrorContext(&err).to_string()))
    }

    /// Whether there is a queue.
    pub fn is_set(&self) -> bool {
        self.url.is_some()
    }

    /// Sends a message for a delivery; after an error it may have been sent all the same. The message
    /// group gives each user a fair share (SQS fair queues).
    pub async fn send(&self, reference: &DeliveryRef) -> Result<(), Error> {
        let group = reference.owner_id.map_or_else(|| reference.message_id.channel().to_string(), |it| it.to_string());
        self.send_reference(reference, group).await
    }

    /// The same for a notification.
    pub async fn send_notification(&self, reference: &NotificationRef) -> Result<(), Error> {
        self.send_reference(reference, reference.owner_id.to_string()).await
    }

    async fn send_reference(&self, reference: &impl Serialize, group: String) -> Result<(), Error> {
        let body = serde_json::to_string(reference).map_err(Error::internal)?;
        let send = self.client.send_message().queue_url(self.url()?).message_body(body).message_group_id(group);
        send.send().await.map(drop).map_err(|err| {
            let refused = matches!(err.code(), Some("InvalidMessageContents" | "InvalidParameterValue"));
            let cause = DisplayErrorContext(&err).to_string();
            if refused { Error::internal(cause) } else { Error::unavailable(cause) }
        })
    }

    /// Delays a received message by this long, at most `MAX_VISIBILITY_TIMEOUT`.
    pub async fn delay(&self, receipt: &str, span: Duration) -> Result<(), Error> {
        self.client
            .change_message_visibility()
            .queue_url(self.url()?)
            .receipt_handle(receipt)
            .visibility_timeout(seconds(span))
            .send()
            .await
            .map(drop)
            .map_err(|err| Error::unavailable(DisplayErrorContext(&err).to_string()))
    }

    /// Delays several received messages, each by its own time.
    pub async fn delay_all(&self, delays: &[(&str, Duration)]) -> Result<(), Error> {
        let entries = delays.iter().enumerate().map(|(number, (receipt, span))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(*receipt).visibility_timeout(seconds(*span)).build().map_err(Error::internal)
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = self.client.change_message_visibility_batch().queue_url(self.url()?).set_entries(Some(entries));
        let outcome = request.send().await.map_err(|err| Error::unavailable(DisplayErrorContext(&err).to_string()))?;
        match outcome.failed.first() {
            Some(failure) => Err(Error::unavailable(format!("delaying a message: {}", failure.code))),
            None => Ok(()),
        }
    }

    fn url(&self) -> Result<&str, Error> {
        self.url.as_deref().ok_or_else(|| Error::unavailable("the URL of a queue is not set"))
    }
}

/// Whole seconds, at most [`MAX_VISIBILITY_TIMEOUT`].
fn seconds(span: Duration) -> i32 {
    i32::try_from(span.min(MAX_VISIBILITY_TIMEOUT).as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
