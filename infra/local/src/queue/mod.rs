//! Queues that speak SQS's JSON protocol on a loopback port, kept in [`Durable`], so that the
//! production code and its SDK client need not know where they run.
//!
//! - `service`: the protocol: one address, an operation per `X-Amz-Target`
//! - `shapes`: what is sent and answered
//! - `store`: queues and messages in SQLite
//! - `signature`: who may call: whoever signs with the secret made at this start
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
mod signature;
mod store;

pub use service::router;
pub use store::{Queues, Settings};

/// The largest message, and the largest sum of a batch: SQS's.
pub const MAX_BYTES: usize = 1_048_576;

/// The URL of a queue, of those that are served at `base`.
pub fn url(base: &str, name: &str) -> String {
    format!("{base}/{}/{name}", attributes::ACCOUNT)
}
