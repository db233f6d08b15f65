//! Webhooks, from the change in the table to the response of the receiver.

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
