//! SQS's refusals, in the shape that its SDKs read.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

/// Where SDKs look for the code that the older query protocol had.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

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
            Self::Broken(_) => ("InternalFailure", "InternalFailure", "The queue's storage failed.".into()),
        }
    }

    pub fn into_response(self) -> Response<Bytes> {
        let (shape, code, message) = self.told();
        let (status, fault) = match self {
            Self::Broken(err) => {
                tracing::error!(cause = %err, "a queue's storage failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
            }
            _ => (StatusCode::BAD_REQUEST, "Sender"),
        };
        let body = json!({ "__type": format!("com.amazonaws.sqs#{shape}"), "message": message });
        let mut response = super::response(body.to_string().into_bytes());
        *response.status_mut() = status;
        // The codes are constants of this file.
        let error = HeaderValue::from_str(&format!("{code};{fault}"));
        response.headers_mut().extend(error.ok().map(|error| (QUERY_ERROR, error)));
        response
    }
}
