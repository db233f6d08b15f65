//! SQS's errors, in the form that its SDKs parse.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

/// The header in which SDKs expect the error code of the older query protocol.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Why a request failed.
#[derive(Debug)]
pub enum SqsError {
    NoSuchQueue,
    QueueExists,
    InvalidReceipt,
    InvalidParameter(String),
    InvalidAttribute(String),
    InvalidContents,
    EmptyBatch,
    TooManyEntries,
    IdsNotDistinct,
    BatchTooLong,
    Unsupported(String),
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for SqsError {
    fn from(err: rusqlite::Error) -> Self {
        Self::Storage(err)
    }
}

impl SqsError {
    /// The error's name, its code in the older query protocol, and its message.
    pub fn parts(&self) -> (&'static str, &'static str, String) {
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
            Self::InvalidReceipt => {
                ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid.".into())
            }
            Self::InvalidParameter(what) => ("InvalidParameterValue", "InvalidParameterValue", what.clone()),
            Self::InvalidAttribute(name) => {
                ("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
            }
            Self::InvalidContents => (
                "InvalidMessageContents",
                "InvalidMessageContents",
                "The message contains characters outside the allowed set.".into(),
            ),
            Self::EmptyBatch => (
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
                "There should be at least one entry in the request.".into(),
            ),
            Self::TooManyEntries => (
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
                format!("The embedded queues do not support {what}."),
            ),
            Self::Storage(_) => ("InternalFailure", "InternalFailure", "The queue storage failed.".into()),
        }
    }

    /// The HTTP response. A storage failure is logged.
    pub fn into_response(self) -> Response<Bytes> {
        let (name, code, message) = self.parts();
        let (status, fault) = match self {
            Self::Storage(err) => {
                tracing::error!(cause = %err, "the queue storage failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "Receiver")
            }
            _ => (StatusCode::BAD_REQUEST, "Sender"),
        };
        let body = json!({ "__type": format!("com.amazonaws.sqs#{name}"), "message": message });
        let mut response = super::response(body.to_string().into_bytes());
        *response.status_mut() = status;
        // The codes are constants in this file, so this cannot fail.
        let error = HeaderValue::from_str(&format!("{code};{fault}"));
        response.headers_mut().extend(error.ok().map(|error| (QUERY_ERROR, error)));
        response
    }
}
