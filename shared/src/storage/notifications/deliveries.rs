//! Notifications on their way: one item per person, review and surface, however often its event is repeated.
//!
//! The item says where somebody has to be notified, not of what: a sender reads the review as it is at that moment.
//! When the review ends, its notifications become due once more, under the next `revision`, to be replaced by the
//! outcome. An attempt that was under way then does not count as the end of that revision.
//!
//! A notification that is due later has an entry in the index `due`. The expiry function sends its message to the queue.

use std::collections::BTreeSet;
use std::time::Duration;

use dynamo::value::{Value, from_item, n, s};
use dynamo::{Key, Update, attr};
use serde::{Deserialize, Serialize};

use crate::aws::queue::NotificationRef;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, MessageId, UserId};
use crate::models::notifications::NotificationSurface;
use crate::models::{Message, NotificationPreferences};
use crate::secrets::SecretHash;
use crate::storage::accounts::UserItem;
use crate::storage::agents::AgentItem;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::leases::{self, Claimed, Lease, Outcome, State};
use crate::storage::notifications::devices::DeviceItem;
use crate::storage::notifications::webhook::WebhookItem;
use crate::storage::notifications::{Device, Notifications, PersonalWebhook};

/// The surface of push messages; the hash of the device's endpoint follows.
pub(super) const PUSH: &str = "push#";
/// The surface of e-mail.
pub(super) const EMAIL: &str = "email";
/// The surface of the person's webhook.
pub(super) const WEBHOOK: &str = "webhook";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotificationItem {
    pub pk: String,
    pub sk: String,
    pub ttl: i64,
    pub state: State,
    pub next_attempt_at: Timestamp,
    /// The entry in the index `due`, until it is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_sort: Option<String>,
    #[serde(flatten)]
    pub notification: Notification,
}

/// A notification that is due.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub owner_id: UserId,
    pub message_id: MessageId,
    pub surface: String,
    /// Attempts that have ended since the review began or ended.
    pub attempts: u32,
    /// How often it was claimed, this time included.
    pub claims: u32,
    pub(super) revision: u32,
    /// Whether its reminder is due later, or was sent.
    #[serde(default)]
    pub has_reminder: bool,
    /// Of a digest: the messages that it is about.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) requests: BTreeSet<String>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    Ended(Outcome),
    /// It was sent, and is due once more at this time.
    Remind(Timestamp),
    /// Nothing was sent: it is due at this time.
    Postponed(Timestamp),
    /// Nothing was sent, and nothing will be.
    NotSent,
}

impl Notification {
    /// What identifies the notifications of a review to those who show them: a later one replaces an earlier one. Push
    /// services take at most 32 characters.
    pub fn tag(&self) -> String {
        SecretHash::of(&self.message_id.to_string()).as_str().chars().take(32).collect()
    }

    /// Where it is shown.
    pub fn surface(&self) -> NotificationSurface {
        surface_of(&self.surface)
    }

    /// Whether it is about several requests, in an e-mail at a full hour.
    pub fn is_digest(&self) -> bool {
        self.message_id.channel() == digests_of(self.owner_id)
    }

    /// The messages that a digest is about, the oldest first.
    pub fn requests(&self) -> Vec<MessageId> {
        let mut requests: Vec<MessageId> = self.requests.iter().filter_map(|id| id.parse().ok()).collect();
        requests.sort_by_key(|id| id.ulid());
        requests
    }

    /// Whether nothing can have been sent before.
    pub fn is_first_attempt(&self) -> bool {
        self.claims <= 1
    }
}

/// The result of claiming a notification.
pub enum NotificationClaim {
    /// The caller holds it until the lease expires.
    Yours(Notification, Lease),
    /// It is not due yet: claim it again after this time.
    Early(Duration),
    /// Another sender holds it, at most for this time.
    Leased(Duration),
    /// It is done, or gone.
    Done,
    /// It was given up.
    Failed,
}

/// What a notification says, and where it is sent, as of now.
pub struct NotificationContext {
    /// `None` once the review's message is deleted.
    pub message: Option<Message>,
    pub agent_name: Option<String>,
    /// The address of the account; `None` once the person is removed.
    pub address: Option<String>,
    /// How the person is notified of this agent's requests.
    pub preferences: NotificationPreferences,
    /// Whether the person has muted the agent.
    pub is_muted: bool,
    /// Of a push message; `None` once it is removed.
    pub device: Option<Device>,
    /// `None` once it is removed.
    pub webhook: Option<PersonalWebhook>,
}

impl Notifications<'_> {
    /// Claims a notification that is due, for as long as one attempt may take.
    pub async fn claim(self, reference: &NotificationRef) -> Result<NotificationClaim, Error> {
        let update = Update::new(key(reference)).add("claims", n(1)).remove("dueShard").remove("dueSort");
        Ok(match leases::claim(&self.store.table, update, self.store.clock.now()).await? {
            Claimed::Yours(item, lease) => {
                NotificationClaim::Yours(from_item::<NotificationItem>(item)?.notification, lease)
            }
            Claimed::Early(span) => NotificationClaim::Early(span),
            Claimed::Leased(span) => NotificationClaim::Leased(span),
            Claimed::Ended(State::Failed) => NotificationClaim::Failed,
            Claimed::Ended(_) | Claimed::Gone => NotificationClaim::Done,
        })
    }

    /// Records how an attempt ended. Without a valid lease this does nothing; if the review ended meanwhile, it only
    /// gives the lease up.
    pub async fn finish(
        self,
        reference: &NotificationRef,
        of: &Notification,
        lease: Lease,
        result: AttemptResult,
    ) -> Result<(), Error> {
        // Of a request that nobody was told of, nobody is told the outcome either: the claim does not count.
        let is_unsent = matches!(result, AttemptResult::Postponed(_) | AttemptResult::NotSent);
        let update = Update::new(key(reference));
        let update = if is_unsent { update.decrease("claims", n(1)) } else { update };
        let release = update.clone().remove("lease").remove("leaseUntil").when(attr("lease").eq(s(lease.id())));
        let update = update.when(attr("revision").eq(n(of.revision)));
        let due = |update: Update, at| {
            let due = keys::due(at, of.message_id.ulid(), &key(reference));
            update.set("dueShard", s(due.shard)).set("dueSort", s(due.sort))
        };
        let update = match result {
            AttemptResult::Ended(outcome) => leases::finish(update, lease, outcome, self.store.clock.now()),
            AttemptResult::Remind(at) => {
                due(leases::postpone(update, lease, at), at).set("hasReminder", Value::Bool(true))
            }
            AttemptResult::Postponed(at) => due(leases::postpone(update, lease, at), at),
            AttemptResult::NotSent => leases::finish(update, lease, Outcome::Dropped, self.store.clock.now()),
        };
        if !update.send_item(&self.store.table).await?.is_applied() {
            let _ = release.send_item(&self.store.table).await?;
        }
        Ok(())
    }

    /// Removes the entry of a notification whose message was sent to the queue from the index `due`, unless it is due
    /// at a later time meanwhile.
    pub async fn remove_due(self, reference: &NotificationRef) -> Result<(), Error> {
        let until = keys::due_until(self.store.clock.now());
        let update = Update::new(key(reference)).remove("dueShard").remove("dueSort");
        let _ = update.when(attr("dueSort").lt(s(until))).send_item(&self.store.table).await?;
        Ok(())
    }

    /// Reads what a notification says and where it is sent, in one call.
    pub async fn context(self, of: &Notification) -> Result<NotificationContext, Error> {
        let (user, message) = (keys::user(of.owner_id), keys::message(of.message_id));
        let agent = keys::agent(of.message_id.channel());
        let hash = of.surface.strip_prefix(PUSH).unwrap_or_default();
        let device = keys::push_device(of.owner_id, &SecretHash::stored(hash.to_owned()));
        let webhook = keys::notification_webhook(of.owner_id);
        let on_surface = match of.surface() {
            NotificationSurface::Push => Some(device.clone()),
            NotificationSurface::Webhook => Some(webhook.clone()),
            NotificationSurface::Email => None,
        };
        let wanted = [user.clone(), message.clone(), agent.clone()].into_iter().chain(on_surface).collect();
        let mut items = self.store.table.get_items(wanted).await?;
        let person: Option<UserItem> = items.take(&user)?;
        let agent = items.take::<AgentItem>(&agent)?.filter(|item| item.owner_id == of.owner_id);
        let of_agent = agent.as_ref().map(AgentItem::notification_preferences).transpose()?.unwrap_or_default();
        let person = person.filter(|person| person.removing.is_none());
        let address = person.as_ref().map(|person| person.user.email.clone());
        let preferences = person.map(|person| person.notification_preferences()).transpose()?.unwrap_or_default();
        let message = items.take::<MessageItem>(&message)?.filter(|item| item.owner_id == of.owner_id);
        Ok(NotificationContext {
            message: message.map(Message::from),
            agent_name: agent.map(|agent| agent.name),
            address,
            preferences: preferences.of_agent(&of_agent),
            is_muted: of_agent.is_muted(self.store.clock.now()),
            device: items.take::<DeviceItem>(&device)?.map(|item| item.device),
            webhook: items.take::<WebhookItem>(&webhook)?.map(|item| item.webhook),
        })
    }
}

/// The channel in the ids of a person's digests, which no agent has.
pub(super) fn digests_of(user: UserId) -> AgentId {
    AgentId::from_ulid(user.ulid())
}

/// The surface that a key has.
pub(super) fn surface_of(text: &str) -> NotificationSurface {
    match text {
        EMAIL => NotificationSurface::Email,
        WEBHOOK => NotificationSurface::Webhook,
        _ => NotificationSurface::Push,
    }
}

fn key(reference: &NotificationRef) -> Key {
    keys::notification(reference.owner_id, reference.message_id, &reference.surface)
}
