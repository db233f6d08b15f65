//! SQS's errors, in the form that its SDKs parse.

use std::fmt;

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

impl fmt::Display for SqsError {
    /// The message, in SQS's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchQueue => "The specified queue does not exist.",
            Self::QueueExists => "A queue already exists with the same name and a different value for an attribute",
            Self::InvalidReceipt => "The input receipt handle is invalid.",
            Self::InvalidParameter(message) => message,
            Self::InvalidAttribute(name) => return write!(f, "Unknown Attribute {name}."),
            Self::InvalidContents => "The message contains characters outside the allowed set.",
            Self::EmptyBatch => "There should be at least one entry in the request.",
            Self::TooManyEntries => "Maximum number of entries per request are 10.",
            Self::IdsNotDistinct => "Two or more batch entries in the request have the same Id.",
            Self::BatchTooLong => {
                return write!(f, "Batch requests cannot be longer than {} bytes.", super::MAX_BYTES);
            }
            Self::Unsupported(what) => return write!(f, "The embedded queues do not support {what}."),
            Self::Storage(_) => "The queue storage failed.",
        })
    }
}

impl SqsError {
    /// The error's name, and its code in the older query protocol.
    pub fn name_and_code(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchQueue => ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
            Self::QueueExists => ("QueueNameExists", "QueueAlreadyExists"),
            Self::InvalidReceipt => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::InvalidParameter(_) => ("InvalidParameterValue", "InvalidParameterValue"),
            Self::InvalidAttribute(_) => ("InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidContents => ("InvalidMessageContents", "InvalidMessageContents"),
            Self::EmptyBatch => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            Self::TooManyEntries => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
            }
            Self::IdsNotDistinct => ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
            Self::BatchTooLong => ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
            Self::Unsupported(_) => ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
            Self::Storage(_) => ("InternalFailure", "InternalFailure"),
        }
    }

    /// The HTTP response. A storage failure is logged.
    pub fn into_response(self) -> Response<Bytes> {
        let ((name, code), message) = (self.name_and_code(), self.to_string());
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
