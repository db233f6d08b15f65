//! Web push (RFC 8030): a message to a browser, over the push service that the browser chose.
//!
//! - `encryption`: only the browser can read the message (RFC 8291)
//! - `vapid`: a token that identifies this deployment to the push service (RFC 8292)
//! - [`send()`]: one attempt

mod encryption;
mod send;
mod vapid;

pub use send::{PushAnswer, PushMessage, Sender, Urgency, send};
