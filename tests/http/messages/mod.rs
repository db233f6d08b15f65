//! `/api/v1/messages`
//!
//! - [`send`], [`json_roundtrip`], [`idempotency`], [`list`]: sending and listing
//! - [`streams`], [`status_events`], [`iterations`]: messages that grow, and revisions
//! - [`delivery_status`], [`optional_channel`]: acknowledging, and calls without a channel

pub mod delivery_status;
pub mod idempotency;
pub mod iterations;
pub mod json_roundtrip;
pub mod list;
pub mod optional_channel;
pub mod send;
pub mod status_events;
pub mod streams;
