//! Webhooks: the events that agents receive, and the state of their deliveries.
//!
//! - `events`: what a change in the table's stream means to an agent
//! - `deliveries`: each event's delivery, from its creation to a month later

mod deliveries;
mod events;

pub(super) use deliveries::room_for_event;
pub use deliveries::{Claim, Delivery};
pub use events::{StreamImage, WebhookEvent, decided_message, message_of};
pub(super) use events::{answered_payload, from_image, message_payload, text_of};

use crate::storage::Store;

/// Deliveries of webhooks.
#[derive(Clone, Copy)]
pub struct Webhooks<'a> {
    pub(super) store: &'a Store,
}
