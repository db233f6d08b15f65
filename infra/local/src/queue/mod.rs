//! Queues that speak SQS's JSON protocol in this process, kept in [`Durable`], so that the
//! production code and its SDK client need not know where they run.
//!
//! - `service`: the protocol: an operation per `X-Amz-Target`
//! - `shapes`: what is sent and answered
//! - `store`: queues and messages in SQLite
//! - `error`: SQS's refusals
//!
//! Standard queues only. A message's attributes, FIFO queues, tags and policies are refused, for
//! nothing here uses them.
//!
//! [`Durable`]: crate::durable::Durable

mod attributes;
mod error;
mod service;
mod shapes;
mod store;

use bytes::Bytes;
use http::{HeaderValue, Response, header};

pub use service::Service;
pub use store::{Queues, Settings};

/// The largest message, and the largest sum of a batch: SQS's.
pub const MAX_BYTES: usize = 1_048_576;

/// The URL of a queue, of those that are served at `base`.
pub fn url(base: &str, name: &str) -> String {
    format!("{base}/{}/{name}", attributes::ACCOUNT)
}

/// An answer with this JSON as its body.
fn response(body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
