//! DynamoDB's JSON protocol over the embedded engine's own functions: the operation's name and the
//! request's body in, a response out, with no port in between. The engine's own server answers the
//! same, apart from the sentence about a body that the SDK's types cannot make
//! (`tests/http/embedded_table.rs` and `embedded_items.rs` compare the two).

use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::sync::Semaphore;

/// The prefixes of `X-Amz-Target` for the table and for its stream.
const SERVICES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// Requests that are worked on at once. The engine runs one at a time; the others parse their body
/// or write their answer meanwhile. The rest waits in order and takes no thread.
const AT_ONCE: usize = 4;
const UNKNOWN_OPERATION: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
const TOO_DEEP: &str =
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";
const EMPTY_VALUE: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const MISSING: [&str; 3] = ["missing field", "unknown variant", "invalid type: null"];

/// The embedded DynamoDB, as its protocol's requests reach it.
#[derive(Clone)]
pub struct Table {
    database: Database,
    turns: Arc<Semaphore>,
}

impl Table {
    pub fn new(database: Database) -> Self {
        Self { database, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether `X-Amz-Target` names an operation of DynamoDB or of its streams.
    pub fn is_target(target: &str) -> bool {
        operation(target).is_some()
    }

    /// Answers one request on a thread that may block. A request whose caller has left before its
    /// turn is not begun; one that is begun is finished.
    pub async fn answer(&self, target: &str, body: Bytes) -> Response<Bytes> {
        let operation = operation(target).unwrap_or_default().to_owned();
        // The semaphore is never closed.
        let turn = self.turns.clone().acquire_owned().await;
        let database = self.database.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            answer(&database, &operation, &body)
        });
        // A panic in the engine fails this request alone.
        answered.await.unwrap_or_else(|err| refusal("", DynoxideError::InternalServerError(err.to_string())))
    }
}

fn operation(target: &str) -> Option<&str> {
    SERVICES.iter().find_map(|service| target.strip_prefix(service))
}

fn answer(database: &Database, operation: &str, body: &[u8]) -> Response<Bytes> {
    match dispatch(database, operation, body) {
        Some(Ok(body)) => response(StatusCode::OK, body),
        Some(Err(err)) => refusal(operation, err),
        None => response(StatusCode::BAD_REQUEST, UNKNOWN_OPERATION.into()),
    }
}

/// Runs an operation; `None` if it is not one that anything here uses.
fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>, DynoxideError>> {
    let done = match operation {
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
    Some(done)
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    // All of a body is JSON before any of it is looked at.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|err| unreadable(&err))?;
    let request = serde_json::from_slice(body).map_err(|err| unreadable(&err))?;
    serde_json::to_vec(&operation(request)?).map_err(|err| DynoxideError::InternalServerError(err.to_string()))
}

/// Why a body is no request. The engine's types mark with a prefix which of DynamoDB's exceptions
/// an error is; serde's own sentences tell what is missing from what has another type.
fn unreadable(err: &serde_json::Error) -> DynoxideError {
    let whole = err.to_string();
    if whole.starts_with("recursion limit exceeded") {
        return DynoxideError::ValidationException(TOO_DEEP.to_owned());
    }
    if err.classify() != Category::Data {
        return DynoxideError::SerializationException(String::new());
    }
    let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
    match message.split_once(':').unwrap_or_default() {
        ("VALIDATION_REQUEST", message) => DynoxideError::EnvelopedValidation(message.to_owned()),
        ("VALIDATION", message) => DynoxideError::ValidationException(message.to_owned()),
        ("SERIALIZATION", message) => DynoxideError::SerializationException(message.to_owned()),
        _ if whole.contains("empty AttributeValue") => DynoxideError::ValidationException(EMPTY_VALUE.to_owned()),
        _ if whole.contains("Supplied AttributeValue") => DynoxideError::ValidationException(message.to_owned()),
        _ if MISSING.iter().any(|sign| whole.contains(sign)) => DynoxideError::ValidationException(whole),
        _ => DynoxideError::SerializationException(whole),
    }
}

/// The single-item writes name the validation that failed in a sentence around its message.
fn refusal(operation: &str, err: DynoxideError) -> Response<Bytes> {
    let err = match (operation, err) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, err) => err,
    };
    if matches!(err.status_code(), 500..) {
        tracing::error!(operation, cause = %err, "the embedded table failed");
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
