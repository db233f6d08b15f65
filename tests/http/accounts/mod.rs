//! `/api/auth`, `/api/users`, `/api/api-keys`, preferences and the request log

pub mod api_keys;
pub mod device_cookies;
pub mod login;
pub mod preferences;
pub mod request_log;
pub mod sessions;
pub mod user_deletion;
pub mod users;
