//! `/api/v1/messages`, streams and iterations

pub mod delivery_status;
pub mod idempotency;
pub mod iterations;
pub mod json_roundtrip;
pub mod optional_channel;
pub mod paging;
pub mod send_and_list;
pub mod streams;
