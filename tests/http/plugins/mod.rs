//! `/api/v1/plugins` and `/api/plugins`

pub mod callers;
pub mod fetch;
pub mod list;
pub mod secrets;
pub mod settings;
