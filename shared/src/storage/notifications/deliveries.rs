//! Notifications on their way: one item per person, review and surface, however often its event is repeated.
//!
//! The item says where somebody has to be notified, not of what: a sender reads the review as it is at that moment.
//! When the review ends, its notifications become due once more, under the next `revision`, to be replaced by the
//! outcome. An attempt that was under way then does not count as the end of that revision.

use std::time::Duration;

use dynamo::value::{from_item, n, s, to_item};
use dynamo::{Key, Update, attr, item_exists};
use serde::{Deserialize, Serialize};

use crate::aws::queue::NotificationRef;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::models::{Message, NotificationPreferences};
use crate::secrets::SecretHash;
use crate::storage::accounts::UserItem;
use crate::storage::agents::AgentItem;
use crate::storage::items::MessageItem;
use crate::storage::leases::{self, Claimed, Lease, Outcome, State};
use crate::storage::notifications::changes::{ChangeKind, Request};
use crate::storage::notifications::devices::DeviceItem;
use crate::storage::notifications::{Device, Notifications, ReviewChange};
use crate::storage::{NotifyMark, keys, notify_mark};

/// How long a notification is kept after its review would have expired.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);
/// The surface of push messages; the hash of the device's endpoint follows.
const PUSH: &str = "push#";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationItem {
    pk: String,
    sk: String,
    ttl: i64,
    state: State,
    next_attempt_at: Timestamp,
    #[serde(flatten)]
    notification: Notification,
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
    revision: u32,
}

impl Notification {
    /// What identifies the notifications of a review to those who show them: a later one replaces an earlier one. Push
    /// services take at most 32 characters.
    pub fn tag(&self) -> String {
        SecretHash::of(&self.message_id.to_string()).as_str().chars().take(32).collect()
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
    pub preferences: NotificationPreferences,
    /// `None` once it is removed.
    pub device: Option<Device>,
}

impl Notifications<'_> {
    /// Stores the notifications that a change of a review asks for. Repeating the same change changes nothing. Returns
    /// what has to be sent to the queue, also if it was stored before: a crash may have come in between.
    pub async fn enqueue(self, change: ReviewChange, mark: NotifyMark) -> Result<Vec<NotificationRef>, Error> {
        let ReviewChange { owner, message_id, kind } = change;
        match kind {
            ChangeKind::Asked { image } => self.announce(owner, message_id, Request::of(image)?, mark).await,
            ChangeKind::Ended => self.end(owner, message_id).await,
        }
    }

    async fn announce(
        self,
        user: UserId,
        message: MessageId,
        request: Option<Request>,
        mark: NotifyMark,
    ) -> Result<Vec<NotificationRef>, Error> {
        let Some(request) = request else { return Ok(vec![]) };
        let key = keys::user(user);
        let person = async { Ok::<_, Error>(self.store.table.get::<UserItem>(&key).await?) };
        let (person, devices) = tokio::try_join!(person, self.query_devices(user))?;
        let preferences = person.map(|person| person.notification_preferences()).transpose()?.unwrap_or_default();
        if !preferences.push.enabled || devices.is_empty() {
            notify_mark::clear(&self.store.table, user, mark).await?;
            return Ok(vec![]);
        }
        if !preferences.push.admits(request.risk) {
            return Ok(vec![]);
        }
        let mut references = vec![];
        for device in devices {
            let surface = format!("{PUSH}{}", device.hash);
            let Key { pk, sk } = keys::notification(user, message, &surface);
            let item = NotificationItem {
                pk,
                sk,
                ttl: request.expires_at.plus(RETENTION).epoch_seconds(),
                state: State::Pending,
                next_attempt_at: self.store.clock.now(),
                notification: Notification {
                    owner_id: user,
                    message_id: message,
                    surface: surface.clone(),
                    attempts: 0,
                    claims: 0,
                    revision: 0,
                },
            };
            self.store.table.put_new(to_item(&item)?).await?;
            references.push(NotificationRef { owner_id: user, message_id: message, surface });
        }
        Ok(references)
    }

    /// Makes what was announced of a review due once more. A lease on it stays valid, so that the outcome is not sent
    /// while the request still is.
    async fn end(self, user: UserId, message: MessageId) -> Result<Vec<NotificationRef>, Error> {
        let query = self.store.query_partition(keys::user_partition(user), &keys::notifications_of(message));
        let announced = query.collect_all::<NotificationItem>().await?;
        let mut references = vec![];
        for NotificationItem { notification: Notification { surface, .. }, .. } in announced {
            let now = self.store.clock.now();
            let update = Update::new(keys::notification(user, message, &surface))
                .set("state", s(State::Pending.word()))
                .set("attempts", n(0))
                .set("nextAttemptAt", s(now))
                .set("endedAt", s(now))
                .increase("revision", n(1))
                .when(item_exists())
                .when(attr("endedAt").absent());
            // A refusal means that this change was handled before.
            let _ = update.send_item(&self.store.table).await?;
            references.push(NotificationRef { owner_id: user, message_id: message, surface });
        }
        Ok(references)
    }

    /// Claims a notification that is due, for as long as one attempt may take.
    pub async fn claim(self, reference: &NotificationRef) -> Result<NotificationClaim, Error> {
        let update = Update::new(key(reference)).add("claims", n(1));
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
        outcome: Outcome,
    ) -> Result<(), Error> {
        let release = Update::new(key(reference)).remove("lease").remove("leaseUntil");
        let release = release.when(attr("lease").eq(s(lease.id())));
        let update = leases::finish(Update::new(key(reference)), lease, outcome, self.store.clock.now());
        let update = update.when(attr("revision").eq(n(of.revision)));
        if !update.send_item(&self.store.table).await?.is_applied() {
            let _ = release.send_item(&self.store.table).await?;
        }
        Ok(())
    }

    /// Reads what a notification says and where it is sent, in one call.
    pub async fn context(self, of: &Notification) -> Result<NotificationContext, Error> {
        let (user, message) = (keys::user(of.owner_id), keys::message(of.message_id));
        let agent = keys::agent(of.message_id.channel());
        let hash = of.surface.strip_prefix(PUSH).unwrap_or_default();
        let device = keys::push_device(of.owner_id, &SecretHash::stored(hash.to_owned()));
        let wanted = vec![user.clone(), message.clone(), agent.clone(), device.clone()];
        let mut items = self.store.table.get_items(wanted).await?;
        let person: Option<UserItem> = items.take(&user)?;
        let message = items.take::<MessageItem>(&message)?.filter(|item| item.owner_id == of.owner_id);
        Ok(NotificationContext {
            message: message.map(Message::from),
            agent_name: items.take::<AgentItem>(&agent)?.map(|agent| agent.name),
            preferences: person.map(|person| person.notification_preferences()).transpose()?.unwrap_or_default(),
            device: items.take::<DeviceItem>(&device)?.map(|item| item.device),
        })
    }
}

fn key(reference: &NotificationRef) -> Key {
    keys::notification(reference.owner_id, reference.message_id, &reference.surface)
}
