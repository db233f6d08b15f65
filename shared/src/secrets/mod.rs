//! Secrets are types, so none is stored or logged in plain text by accident.
//!
//! - [`credentials`]: API keys and session tokens
//! - [`password`]: passwords and their hashes; [`password_queue`]: how many are verified at once
//! - [`device`]: tokens of browsers that a person has signed in with before
//! - [`server_secret`]: the deployment's own secrets and the keys derived from them
//! - [`encrypted`]: values that the table stores encrypted
//! - [`vapid_key`]: the key that identifies the deployment to push services
//! - [`webhook_secret`]: the keys that sign webhook deliveries

pub mod credentials;
pub mod device;
pub mod encrypted;
pub mod password;
pub mod password_queue;
pub mod server_secret;
pub mod vapid_key;
pub mod webhook_secret;

pub use action::receipt::Jwk;
pub use credentials::{Credential, PlainSecret, SecretHash};
pub use device::Device;
pub use encrypted::Encrypted;
pub use password::{Password, Weakness};
pub use server_secret::{Purpose, ServerSecret, ServerSecrets};
pub use vapid_key::VapidKey;
pub use webhook_secret::WebhookSecret;
