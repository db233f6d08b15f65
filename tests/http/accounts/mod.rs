//! Accounts
//!
//! - [`login`], [`device_cookies`], [`sessions`], [`tickets`]: `/api/auth`
//! - [`users`], [`user_deletion`]: `/api/users`
//! - [`api_keys`], [`preferences`], [`request_log`]: `/api/api-keys`, `/api/preferences`, `/api/logs`

pub mod api_keys;
pub mod device_cookies;
pub mod login;
pub mod preferences;
pub mod request_log;
pub mod sessions;
pub mod tickets;
pub mod user_deletion;
pub mod users;
