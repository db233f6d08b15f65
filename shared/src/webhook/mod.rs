//! Sending an event to an agent's webhook.
//!
//! - `target`: the URL, the method and the headers
//! - `signature`: signatures of the Standard Webhooks specification
//! - `send`: one attempt

mod send;
mod signature;
mod target;

pub use send::{Answer, Event, send};
pub use target::Target;
