//! The queue of deliveries: each message only names one. What is sent lies in the table.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::storage::Lazy;

/// The longest visibility timeout to request. SQS limits the total to 12 hours from the receive, which happened
/// before the request. A longer delay takes several receives.
const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(11 * 3600);

/// What a message of the queue says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub message_id: MessageId,
    pub webhook_id: String,
    /// Whose channel it is; references of earlier versions do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
}

#[derive(Clone)]
pub struct Queue {
    client: Lazy<aws_sdk_sqs::Client>,
    url: Option<Arc<str>>,
}

impl Queue {
    /// For functions that queue nothing.
    pub fn unset(client: Lazy<aws_sdk_sqs::Client>) -> Self {
        Self { client, url: None }
    }

    pub fn at(self, url: &str) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// Queues a delivery; after an error it may be queued all the same. Its group makes SQS bring
    /// those of a user with few in front of those of a user with very many.
    pub async fn send(&self, reference: &Reference) -> Result<(), Error> {
        let body = serde_json::to_string(reference).map_err(Error::internal)?;
        let group = reference.owner_id.map_or_else(|| reference.message_id.channel().to_string(), |it| it.to_string());
        let send = self.client.send_message().queue_url(self.url()?).message_body(body).message_group_id(group);
        send.send().await.map(drop).map_err(|err| {
            let refused = matches!(err.code(), Some("InvalidMessageContents" | "InvalidParameterValue"));
            let cause = DisplayErrorContext(&err).to_string();
            if refused { Error::internal(cause) } else { Error::unavailable(cause) }
        })
    }

    /// Hides a received message for this long, as far as SQS can: it may come again early.
    pub async fn hide(&self, receipt: &str, span: Duration) -> Result<(), Error> {
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

    /// Hides several received messages, each for its own time.
    pub async fn hide_all(&self, hidden: &[(&str, Duration)]) -> Result<(), Error> {
        let entries = hidden.iter().enumerate().map(|(number, (receipt, span))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(*receipt).visibility_timeout(seconds(*span)).build().map_err(Error::internal)
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = self.client.change_message_visibility_batch().queue_url(self.url()?).set_entries(Some(entries));
        let outcome = request.send().await.map_err(|err| Error::unavailable(DisplayErrorContext(&err).to_string()))?;
        match outcome.failed.first() {
            Some(failure) => Err(Error::unavailable(format!("hiding a message: {}", failure.code))),
            None => Ok(()),
        }
    }

    fn url(&self) -> Result<&str, Error> {
        self.url.as_deref().ok_or_else(|| Error::unavailable("PLACET_QUEUE is not set"))
    }
}

/// Whole seconds, as far as SQS can.
fn seconds(span: Duration) -> i32 {
    i32::try_from(span.min(MAX_VISIBILITY_TIMEOUT).as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
