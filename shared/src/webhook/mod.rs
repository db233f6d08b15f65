//! Sending an event to an agent's webhook, or a notice to a person's.
//!
//! - `target`: the URL, the method and the headers
//! - `signature`: signatures of the Standard Webhooks specification
//! - `send`: one attempt
//! - `notice`: what a person's webhook is sent, in the format of its receiver
//! - `tested`: how the receiver of a test event answered

mod notice;
mod send;
mod signature;
mod target;
mod tested;

pub use notice::{Notice, NoticeKind};
pub use send::{Answer, Event, send};
pub use target::Target;
pub use tested::WebhookTested;
