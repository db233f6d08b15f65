//! Deliveries of webhooks: what is sent, stored from the event until a month later, and the state of sending
//! it. A delivery outlives its message, but not its agent.

use std::time::Duration;

use dynamo::value::{from_item, n, s, to_item};
use dynamo::{Conditional, Key, Update, attr, item_exists, item_size};
use serde::{Deserialize, Serialize};

use crate::aws::queue::DeliveryRef;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::json::{Json, as_text};
use crate::models::DeliveryStatus;
use crate::storage::keys;
use crate::storage::leases::{self, Claimed, Lease, Outcome, State};
use crate::storage::webhooks::Webhooks;
use crate::storage::webhooks::events::WebhookEvent;

/// For as long as a delivery can be sent again on request.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryItem {
    pk: String,
    sk: String,
    ttl: i64,
    state: State,
    next_attempt_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_requested_at: Option<Timestamp>,
    #[serde(flatten)]
    delivery: Delivery,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub owner_id: UserId,
    pub message_id: MessageId,
    pub webhook_id: String,
    /// The body, as it is sent every time.
    pub payload: String,
    /// The message's own URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub callback: Option<Json>,
    /// Whether the payload carries answers that no log may show. Deliveries that were kept by
    /// earlier versions do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_secrets: Option<bool>,
    /// Attempts that have ended.
    pub attempts: u32,
}

impl Delivery {
    /// Whether the log may show what was sent and what the receiver said to it.
    pub fn may_be_logged(&self) -> bool {
        self.has_secrets == Some(false)
    }
}

/// The most bytes of an event whose delivery also stores this URL and this callback.
pub(in crate::storage) fn room_for_event(webhook_url: Option<&str>, callback: Option<&Json>) -> usize {
    // Keys, ids, times and a lease, with room to spare.
    const FRAME: usize = 4 * 1024;
    item_size::MAX_ITEM.saturating_sub(FRAME + webhook_url.map_or(0, str::len) + callback.map_or(0, Json::len))
}

/// The result of claiming a delivery.
pub enum Claim {
    /// The caller holds the delivery until the lease expires.
    Yours(Box<Delivery>, Lease),
    /// The delivery is not due yet, or another sender holds it: claim it again after this time.
    Later(Duration),
    /// It is done, or gone.
    Done,
    /// It was given up.
    Failed,
}

impl Webhooks<'_> {
    /// Stores a delivery. Repeating the same event changes nothing, except that a person's request to send it
    /// again restarts it, once for each request.
    pub async fn enqueue(self, occurrence: WebhookEvent) -> Result<DeliveryRef, Error> {
        let now = self.store.clock.now();
        let reference = DeliveryRef {
            message_id: occurrence.message_id,
            webhook_id: occurrence.webhook_id.clone(),
            owner_id: Some(occurrence.owner),
        };
        let retry = occurrence.retry_requested_at;
        let Key { pk, sk } = key(&reference);
        let item = DeliveryItem {
            pk,
            sk,
            ttl: now.plus(RETENTION).epoch_seconds(),
            state: State::Pending,
            next_attempt_at: now,
            lease: None,
            lease_until: None,
            retry_requested_at: retry,
            delivery: Delivery {
                owner_id: occurrence.owner,
                message_id: occurrence.message_id,
                webhook_id: occurrence.webhook_id,
                payload: occurrence.payload,
                webhook_url: occurrence.webhook_url,
                callback: occurrence.callback,
                has_secrets: Some(occurrence.has_secrets),
                attempts: 0,
            },
        };
        self.store.table.put_new(to_item(&item)?).await?;
        if let Some(at) = retry {
            self.renew(&reference, at, now).await?;
        }
        Ok(reference)
    }

    /// Restarts the attempts of a delivery. A lease on it becomes invalid.
    async fn renew(self, reference: &DeliveryRef, asked: Timestamp, now: Timestamp) -> Result<(), Error> {
        let update = Update::new(key(reference))
            .set("state", s(State::Pending.word()))
            .set("attempts", n(0))
            .set("nextAttemptAt", s(now))
            .set("retryRequestedAt", s(asked))
            .set("ttl", n(now.plus(RETENTION).epoch_seconds()))
            .remove("lease")
            .remove("leaseUntil")
            .when(item_exists())
            .when(attr("retryRequestedAt").absent().or(attr("retryRequestedAt").lt(s(asked))));
        // A refusal means that this very request was handled before.
        let _ = update.send_item(&self.store.table).await?;
        Ok(())
    }

    /// Sets a message's status to failed, when its event cannot be stored or sent at all.
    pub async fn give_up(self, message: MessageId) -> Result<(), Error> {
        self.record_status(message, Outcome::Failed).await
    }

    /// Claims a delivery that is due, for as long as one attempt may take.
    pub async fn claim(self, reference: &DeliveryRef) -> Result<Claim, Error> {
        let claimed = leases::claim(&self.store.table, Update::new(key(reference)), self.store.clock.now()).await?;
        match claimed {
            Claimed::Yours(item, lease) => Ok(Claim::Yours(Box::new(from_item::<DeliveryItem>(item)?.delivery), lease)),
            Claimed::Early(span) | Claimed::Leased(span) => Ok(Claim::Later(span)),
            Claimed::Gone | Claimed::Ended(State::Dropped | State::Pending) => Ok(Claim::Done),
            // The sender may have died before it updated the message.
            Claimed::Ended(State::Delivered) => {
                self.record_status(reference.message_id, Outcome::Delivered).await.map(|()| Claim::Done)
            }
            Claimed::Ended(State::Failed) => {
                self.record_status(reference.message_id, Outcome::Failed).await.map(|()| Claim::Failed)
            }
        }
    }

    /// Records how an attempt ended, and updates the message's status. Without a valid lease this does nothing.
    pub async fn finish(self, reference: &DeliveryRef, lease: Lease, outcome: Outcome) -> Result<(), Error> {
        let update = leases::finish(Update::new(key(reference)), lease, outcome, self.store.clock.now());
        match update.send_item(&self.store.table).await? {
            Conditional::Applied(_) => self.record_status(reference.message_id, outcome).await,
            Conditional::Refused(_) => Ok(()),
        }
    }

    /// Updates the message's status. A message that the agent has received keeps its status, and a deleted
    /// message stays deleted.
    async fn record_status(self, message: MessageId, outcome: Outcome) -> Result<(), Error> {
        let status = match outcome {
            Outcome::Delivered => DeliveryStatus::WebhookDelivered,
            Outcome::Failed => DeliveryStatus::WebhookFailed,
            Outcome::Again(_) | Outcome::Dropped => return Ok(()),
        };
        // A delivery that failed once may succeed later; one that succeeded does not fail later.
        let sent = s(DeliveryStatus::Sent.word());
        let from = match outcome {
            Outcome::Delivered => attr("deliveryStatus").one_of([sent, s(DeliveryStatus::WebhookFailed.word())]),
            _ => attr("deliveryStatus").eq(sent),
        };
        let update = Update::new(keys::message(message))
            .set("deliveryStatus", s(status.word()))
            .set("updatedAt", s(self.store.clock.now()))
            .when(from);
        let _ = update.send_item(&self.store.table).await?;
        Ok(())
    }
}

fn key(reference: &DeliveryRef) -> Key {
    keys::delivery(reference.message_id.channel(), &reference.webhook_id)
}
