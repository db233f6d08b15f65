//! What runs around the pages.

mod inbox_host;
mod security_headers;

pub use inbox_host::require_inbox_host;
pub use security_headers::security_headers;
