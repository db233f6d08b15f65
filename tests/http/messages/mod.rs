//! `/api/v1/messages`
//!
//! - [`send_and_list`], [`json_roundtrip`], [`idempotency`], [`paging`]: sending and listing
//! - [`streams`], [`iterations`]: messages that grow, and revisions
//! - [`delivery_status`], [`optional_channel`]: acknowledging, and calls without a channel

pub mod delivery_status;
pub mod idempotency;
pub mod iterations;
pub mod json_roundtrip;
pub mod optional_channel;
pub mod paging;
pub mod send_and_list;
pub mod streams;
