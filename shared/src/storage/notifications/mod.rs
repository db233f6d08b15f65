//! How people hear of requests while no page is open.
//!
//! - `changes`: what a change in the table's stream means to the person who is asked
//! - `devices`: browsers that get push messages
//! - `webhook`: where a person is notified by calls to a host of their choice
//! - `linked`: what a link in an e-mail shows
//! - `planning`: on which surfaces a request notifies, and when
//! - `deliveries`: one notification per person, review and surface, and the state of sending it

mod changes;
mod deliveries;
mod devices;
mod linked;
mod planning;
mod webhook;

pub use changes::ReviewChange;
pub use deliveries::{AttemptResult, Notification, NotificationClaim, NotificationContext};
pub use devices::Device;
pub use linked::LinkedRequest;
pub use webhook::PersonalWebhook;

use crate::storage::Store;

/// Notifications of people.
#[derive(Clone, Copy)]
pub struct Notifications<'a> {
    pub(super) store: &'a Store,
}
