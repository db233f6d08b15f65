//! Webhooks, from the change in the table to the response of the receiver.
//!
//! - [`settings`], [`credentials`], [`ssrf`]: webhook URLs and their credentials
//! - [`event_stream`], [`events`]: the table's stream and the function that handles it
//! - [`event_queue`], [`delivery_queue`]: the queue of deliveries
//! - [`payloads`], [`deliveries`], [`failures`], [`causes`]: requests to receivers
//! - [`poison`]: items and records that cannot be processed

pub mod causes;
pub mod credentials;
pub mod deliveries;
pub mod delivery_queue;
pub mod event_queue;
pub mod event_stream;
pub mod events;
pub mod failures;
pub mod payloads;
pub mod poison;
pub mod settings;
pub mod ssrf;
