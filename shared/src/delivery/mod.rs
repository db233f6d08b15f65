//! What the functions on queues of deliveries have in common.
//!
//! - [`batch`]: processes a batch of a queue's messages: delays them, or moves them to the dead-letter queue
//! - [`retries`]: the delays between attempts

pub mod batch;
pub mod retries;
