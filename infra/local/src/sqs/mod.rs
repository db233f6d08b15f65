//! An embedded SQS: queues that speak SQS's JSON protocol in this process, stored in SQLite. The
//! production code reaches them through the ordinary SDK client.
//!
//! - `service`: the protocol: one operation per `X-Amz-Target`, with SQS's limits
//! - `types`: the operations' inputs and outputs
//! - `settings`: the settings of a queue; `attributes`: their names and limits in the protocol
//! - `store`: queues and messages, and which message is visible when
//! - `error`: SQS's errors
//! - [`sqlite`]: the database, which also holds the stream checkpoints
//!
//! Only standard queues are supported. Message attributes, FIFO queues, tags and policies are
//! rejected because nothing in this project uses them.

mod attributes;
mod error;
mod service;
mod settings;
pub mod sqlite;
mod store;
mod types;

use bytes::Bytes;
use http::{HeaderValue, Response, header};

pub use service::Service;
pub use settings::{RedrivePolicy, Settings};
pub use store::{Queues, VisibilityChange};

/// SQS's limit for the size of a message, and of all messages in a batch.
pub const MAX_BYTES: usize = 1_048_576;

/// SQS's limit for how long a message stays invisible after a receive, in seconds.
pub const MAX_VISIBILITY_TIMEOUT: i64 = 43_200;

/// The URL of the queue `name` served at `base`.
pub fn url(base: &str, name: &str) -> String {
    format!("{base}/{}/{name}", attributes::ACCOUNT)
}

/// A response with this JSON body.
fn response(body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
