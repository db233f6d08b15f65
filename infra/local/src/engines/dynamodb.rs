//! DynamoDB's JSON protocol on the embedded engine, without a port: an operation's name and a
//! request body in, a response out. The responses equal those of the engine's own server, except for
//! the message about a body that the SDK cannot produce.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::sync::Semaphore;

use super::group_sync::GroupSync;

/// The prefixes of `X-Amz-Target` for tables and for streams.
const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// Requests processed at the same time. The engine runs one operation at a time while the others
/// parse a body or serialize a response. Further requests queue without holding a thread.
const MAX_CONCURRENCY: usize = 4;
/// The operations that change nothing.
const READS: [&str; 9] = [
    "BatchGetItem",
    "DescribeStream",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "Query",
    "Scan",
];
const UNKNOWN_OPERATION: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
const NESTED_TOO_DEEPLY: &str =
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";
const EMPTY_VALUE: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const MISSING_FIELD_MESSAGES: [&str; 3] = ["missing field", "unknown variant", "invalid type: null"];

/// Answers the protocol's requests from the embedded engine.
#[derive(Clone)]
pub struct DynamoDb {
    database: Database,
    permits: Arc<Semaphore>,
    sync: Option<GroupSync>,
}

impl DynamoDb {
    /// Answers from a database in memory.
    pub fn in_memory(database: Database) -> Self {
        Self { database, permits: Arc::new(Semaphore::new(MAX_CONCURRENCY)), sync: None }
    }

    /// Answers from the database in this file. What a response says is on the disk.
    pub fn durable(database: Database, path: &Path) -> Result<Self, Box<dyn Error>> {
        // Also sets `synchronous` to `NORMAL`: the engine's commits are not synced.
        database.disable_bulk_loading()?;
        let sync = Some(GroupSync::open(path)?);
        Ok(Self { sync, ..Self::in_memory(database) })
    }

    /// Runs a request of people or agents, whose response says nothing that a power cut undoes. Its calls of this engine do
    /// not wait for the disk one by one.
    pub async fn durably<T>(&self, request: impl Future<Output = T>) -> io::Result<T> {
        match &self.sync {
            Some(sync) => sync.once(request).await,
            None => Ok(request.await),
        }
    }

    /// Waits until everything that is written is on the disk.
    pub async fn sync(&self) -> io::Result<()> {
        match &self.sync {
            Some(sync) => sync.complete().await,
            None => Ok(()),
        }
    }

    /// Whether `X-Amz-Target` names an operation of DynamoDB or of its streams.
    pub fn is_target(target: &str) -> bool {
        operation(target).is_some()
    }

    /// Answers one request on a blocking thread. A request whose caller leaves while it is queued is
    /// dropped; a started request is completed.
    pub async fn answer(&self, target: &str, body: Bytes) -> Response<Bytes> {
        let operation = operation(target).unwrap_or_default().to_owned();
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await;
        let database = self.database.clone();
        let write = self.sync.as_ref().filter(|_| !READS.contains(&operation.as_str())).map(GroupSync::begin_write);
        let answered = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let _write = write;
            answer(&database, &operation, &body)
        });
        let answered = answered.await;
        if let Some(sync) = &self.sync
            && let Err(err) = sync.complete_unless_deferred().await
        {
            return error_response("", DynoxideError::InternalServerError(err.to_string()));
        }
        // A panic in the engine fails only this request.
        answered.unwrap_or_else(|err| error_response("", DynoxideError::InternalServerError(err.to_string())))
    }
}

fn operation(target: &str) -> Option<&str> {
    TARGET_PREFIXES.iter().find_map(|service| target.strip_prefix(service))
}

fn answer(database: &Database, operation: &str, body: &[u8]) -> Response<Bytes> {
    match dispatch(database, operation, body) {
        Some(Ok(body)) => response(StatusCode::OK, body),
        Some(Err(err)) => error_response(operation, err),
        None => response(StatusCode::BAD_REQUEST, UNKNOWN_OPERATION.into()),
    }
}

/// Runs an operation; `None` if this project does not use it.
fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>, DynoxideError>> {
    let result = match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "DescribeStream" => run(body, |request| database.describe_stream(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "DescribeTimeToLive" => run(body, |request| database.describe_time_to_live(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "GetRecords" => run(body, |request| database.get_records(request)),
        "GetShardIterator" => run(body, |request| database.get_shard_iterator(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        _ => return None,
    };
    Some(result)
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    // The whole body must be JSON before any field is interpreted.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|err| parse_error(&err))?;
    let request = serde_json::from_slice(body).map_err(|err| parse_error(&err))?;
    serde_json::to_vec(&operation(request)?).map_err(|err| DynoxideError::InternalServerError(err.to_string()))
}

/// Maps a parse failure to DynamoDB's exception. The engine's types prefix their messages with the
/// kind of exception; serde's messages separate missing fields from wrong types.
fn parse_error(err: &serde_json::Error) -> DynoxideError {
    let text = err.to_string();
    if text.starts_with("recursion limit exceeded") {
        return DynoxideError::ValidationException(NESTED_TOO_DEEPLY.to_owned());
    }
    if err.classify() != Category::Data {
        return DynoxideError::SerializationException(String::new());
    }
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    match message.split_once(':').unwrap_or_default() {
        ("VALIDATION_REQUEST", message) => DynoxideError::EnvelopedValidation(message.to_owned()),
        ("VALIDATION", message) => DynoxideError::ValidationException(message.to_owned()),
        ("SERIALIZATION", message) => DynoxideError::SerializationException(message.to_owned()),
        _ if text.contains("empty AttributeValue") => DynoxideError::ValidationException(EMPTY_VALUE.to_owned()),
        _ if text.contains("Supplied AttributeValue") => DynoxideError::ValidationException(message.to_owned()),
        _ if MISSING_FIELD_MESSAGES.iter().any(|part| text.contains(part)) => DynoxideError::ValidationException(text),
        _ => DynoxideError::SerializationException(text),
    }
}

/// The response for a failed operation. Single-item writes wrap a validation message in a sentence.
fn error_response(operation: &str, err: DynoxideError) -> Response<Bytes> {
    let err = match (operation, err) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, err) => err,
    };
    if matches!(err.status_code(), 500..) {
        tracing::error!(operation, cause = %err, "the embedded DynamoDB failed");
    }
    let status = StatusCode::from_u16(err.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
    response(status, err.to_json().into_bytes())
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    response
}
