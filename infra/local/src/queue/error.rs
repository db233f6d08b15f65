//! SQS's refusals, in the shape that its SDKs read.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

#[derive(Debug)]
pub enum Refusal {
    NoSuchQueue,
    QueueExists,
    BadReceipt,
    BadParameter(String),
    BadAttribute(String),
    BadContents,
    EmptyBatch,
    LargeBatch,
    IdsNotDistinct,
    BatchTooLong,
    Unsupported(String),
    NotSigned,
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(err: rusqlite::Error) -> Self {
        Self::Broken(err)
    }
}

impl Refusal {
    /// The shape's name, the code of the older query protocol where it is another, and a sentence.
    pub fn told(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::NoSuchQueue => (
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.".into(),
            ),
            Self::QueueExists => (
                "QueueNameExists",
                "QueueAlreadyExists",
                "A queue already exists with the same name and a different value for an attribute".into(),
            ),
            Self::BadReceipt => {
                ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid.".into())
            }
            Self::BadParameter(what) => ("InvalidParameterValue", "InvalidParameterValue", what.clone()),
            Self::BadAttribute(name) => {
                ("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
            }
            Self::BadContents => (
                "InvalidMessageContents",
                "InvalidMessageContents",
                "The message contains characters outside the allowed set.".into(),
            ),
            Self::EmptyBatch => (
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
                "There should be at least one entry in the request.".into(),
            ),
            Self::LargeBatch => (
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10.".into(),
            ),
            Self::IdsNotDistinct => (
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.".into(),
            ),
            Self::BatchTooLong => (
                "BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
                format!("Batch requests cannot be longer than {} bytes.", super::MAX_BYTES),
            ),
            Self::Unsupported(what) => (
                "UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
                format!("These queues do not know {what}."),
            ),
            Self::NotSigned => (
                "InvalidClientTokenId",
                "InvalidClientTokenId",
                "The request is not signed with this queue's credentials.".into(),
            ),
            Self::Broken(_) => ("InternalFailure", "InternalFailure", "The queue's storage failed.".into()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (shape, code, message) = self.told();
        let (status, fault) = match self {
            Self::Broken(err) => {
                tracing::error!(cause = %err, "a queue's storage failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
            }
            Self::NotSigned => (StatusCode::FORBIDDEN, "Sender"),
            _ => (StatusCode::BAD_REQUEST, "Sender"),
        };
        let body = json!({ "__type": format!("com.amazonaws.sqs#{shape}"), "message": message });
        (status, [("x-amzn-query-error", format!("{code};{fault}"))], Json(body)).into_response()
    }
}
