//! `/api/v1/plugins` and `/api/plugins`
//!
//! - [`list`], [`settings`]: the plugins and their settings
//! - [`config`]: the routes of Placet about one plugin
//! - [`fetch`], [`secrets`]: requests that plugins send to other hosts
//! - [`callers`]: plugins for these tests

pub mod callers;
pub mod config;
pub mod fetch;
pub mod list;
pub mod secrets;
pub mod settings;
