//! `/api/v1/plugins` and `/api/plugins`
//!
//! - [`list`], [`settings`]: the plugins and their settings
//! - [`fetch`], [`secrets`]: requests that plugins send to other hosts
//! - [`callers`]: plugins for these tests

pub mod callers;
pub mod fetch;
pub mod list;
pub mod secrets;
pub mod settings;
