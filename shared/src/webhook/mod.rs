//! How an event goes to an agent's webhook, whichever function sends it.
//!
//! - `target`: where it goes, and with which headers
//! - `signature`: Standard Webhooks' signatures
//! - `send`: one try

mod send;
mod signature;
mod target;

pub use send::{Answer, Event, send};
pub use target::Target;
