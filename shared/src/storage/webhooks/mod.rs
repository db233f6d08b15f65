//! Webhooks: what an agent is told of, and how far sending it has come.
//!
//! - `events`: what a change in the table's stream means to an agent
//! - `deliveries`: each event's delivery, from its queueing to a month after it

mod deliveries;
mod events;

pub(super) use deliveries::room_for_event;
pub use deliveries::{Claim, Delivery, Outcome as DeliveryOutcome};
pub use events::{StreamImage, WebhookEvent, message_of};
pub(super) use events::{answered_payload, message_payload};

use crate::storage::Store;

/// Deliveries of webhooks.
#[derive(Clone, Copy)]
pub struct Webhooks<'a> {
    pub(super) store: &'a Store,
}
