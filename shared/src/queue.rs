//! The queue of deliveries: each message only names one. What is sent lies in the table.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::MessageId;
use crate::storage::Later;

/// The longest that SQS hides a message.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// What a message of the queue says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    pub message_id: MessageId,
    pub webhook_id: String,
}

#[derive(Clone)]
pub struct Queue {
    client: Later<aws_sdk_sqs::Client>,
    url: Option<Arc<str>>,
}

impl Queue {
    /// For functions that queue nothing.
    pub fn unset(client: Later<aws_sdk_sqs::Client>) -> Self {
        Self { client, url: None }
    }

    pub fn at(self, url: &str) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// Queues a delivery; after an error it may be queued all the same.
    pub async fn send(&self, reference: &Reference) -> Result<(), Error> {
        let body = serde_json::to_string(reference).map_err(Error::internal)?;
        let send = self.client.send_message().queue_url(self.url()?).message_body(body);
        send.send().await.map(drop).map_err(|err| {
            let refused = matches!(err.code(), Some("InvalidMessageContents" | "InvalidParameterValue"));
            let cause = DisplayErrorContext(&err).to_string();
            if refused { Error::internal(cause) } else { Error::unavailable(cause) }
        })
    }

    /// Hides a received message for this long, as far as SQS can: it may come again early.
    pub async fn hide(&self, receipt: &str, span: Duration) -> Result<(), Error> {
        let whole = span.min(LONGEST).as_millis().div_ceil(1000);
        self.client
            .change_message_visibility()
            .queue_url(self.url()?)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(whole).unwrap_or(i32::MAX))
            .send()
            .await
            .map(drop)
            .map_err(|err| Error::unavailable(DisplayErrorContext(&err).to_string()))
    }

    fn url(&self) -> Result<&str, Error> {
        self.url.as_deref().ok_or_else(|| Error::unavailable("PLACET_QUEUE is not set"))
    }
}
