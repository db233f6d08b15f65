//! What runs around the pages.

mod compression;
mod inbox_host;
mod security_headers;

pub use compression::compress_html;
pub use inbox_host::require_inbox_host;
pub use security_headers::security_headers;
