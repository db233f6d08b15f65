//! From a change of a review to the notifications that it asks for: on which surfaces, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use dynamo::value::{Item, Value, n, s, to_item};
use dynamo::{Conditional, Key, MAX_ATTEMPTS, Put, Transaction, Update, attr, item_exists};
use ulid::Ulid;

use crate::aws::queue::NotificationRef;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::models::NotificationPreferences;
use crate::models::notifications::{NotificationSurface, SurfacePreferences};
use crate::review::Risk;
use crate::storage::accounts::UserItem;
use crate::storage::agents::AgentItem;
use crate::storage::leases::State;
use crate::storage::notifications::changes::{ChangeKind, Request};
use crate::storage::notifications::deliveries::{
    EMAIL, Notification, NotificationItem, PUSH, WEBHOOK, digests_of, surface_of,
};
use crate::storage::notifications::{Device, Notifications, ReviewChange};
use crate::storage::{NotifyMark, keys, notify_mark};

/// How long a notification is kept after its review would have expired.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// What decides on which surfaces a person is notified of a request.
struct Audience {
    preferences: NotificationPreferences,
    devices: Vec<Device>,
    /// Whether no request of any agent would notify on any surface.
    is_unreachable: bool,
    is_muted: bool,
}

impl Audience {
    /// The surfaces that a request of this risk notifies on, with what the person prefers there.
    fn surfaces(&self, request: &Request) -> Vec<(String, &SurfacePreferences)> {
        let devices = self.devices.iter().map(|device| format!("{PUSH}{}", device.hash));
        let surfaces = devices.chain([EMAIL.to_owned(), WEBHOOK.to_owned()]);
        let preferred = surfaces.map(|surface| {
            let preferences = self.preferences.on(surface_of(&surface));
            (surface, preferences)
        });
        preferred.filter(|(_, preferences)| !self.is_muted && preferences.admits(request.risk)).collect()
    }
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
        let audience = self.audience(user, message).await?;
        if audience.is_unreachable {
            notify_mark::clear(&self.store.table, user, mark).await?;
            return Ok(vec![]);
        }
        let (now, mut references) = (self.store.clock.now(), vec![]);
        for (surface, preferences) in audience.surfaces(&request) {
            let seen_until = now.plus(Duration::from_secs(preferences.delay_seconds().into()));
            let at = audience.preferences.after_quiet_hours(seen_until, request.risk);
            if at >= request.expires_at {
                continue;
            }
            let reference = NotificationRef { owner_id: user, message_id: message, surface };
            if surface_of(&reference.surface) == NotificationSurface::Email && request.risk == Risk::Low {
                self.add_to_digest(&reference, &audience.preferences, request.expires_at).await?;
                continue;
            }
            let item = planned(&reference, at, now, request.expires_at);
            let is_new = Put::create(to_item(&item)?).send(&self.store.table).await?;
            // What was stored before may have been due at once, and never have reached the queue.
            if at <= now || !is_new {
                references.push(reference);
            }
        }
        Ok(references)
    }

    /// Adds a request of low risk to the person's e-mail of the next full hour, or of the end of quiet hours, once: the
    /// transaction stores that it did. A digest that was claimed already leaves the request to the one after it.
    async fn add_to_digest(
        self,
        reference: &NotificationRef,
        preferences: &NotificationPreferences,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        let NotificationRef { owner_id, message_id, surface } = reference;
        let now = self.store.clock.now();
        let taken = NotificationItem { state: State::Dropped, ..planned(reference, now, now, expires_at) };
        let mut at = now;
        for _ in 0..MAX_ATTEMPTS {
            at = preferences.after_quiet_hours(next_full_hour(at), Risk::Low);
            let ulid = Ulid::from_parts(at.millis().unsigned_abs(), 0);
            let digest = NotificationRef {
                owner_id: *owner_id,
                message_id: MessageId::in_channel(digests_of(*owner_id), ulid),
                surface: surface.clone(),
            };
            let (key, attributes) = split_key(to_item(&planned(&digest, at, now, at.plus(RETENTION)))?);
            let is_open = attr("claims").absent().or(attr("claims").eq(n(0)));
            let update =
                attributes.into_iter().fold(Update::new(key), |update, (name, value)| update.set(&name, value));
            let update = update.add("requests", Value::Ss(vec![message_id.to_string()])).when(is_open);
            let mut transaction = Transaction::new();
            transaction.push(Write::Taken, Put::create(to_item(&taken)?));
            transaction.push(Write::Digest, update);
            match transaction.commit(&self.store.table).await? {
                Conditional::Applied(()) | Conditional::Refused(Write::Taken) => return Ok(()),
                Conditional::Refused(Write::Digest) => {}
            }
        }
        Err(Error::unavailable("digests kept being sent"))
    }

    async fn audience(self, user: UserId, message: MessageId) -> Result<Audience, Error> {
        let (person_key, agent_key) = (keys::user(user), keys::agent(message.channel()));
        let items =
            async { Ok::<_, Error>(self.store.table.get_items(vec![person_key.clone(), agent_key.clone()]).await?) };
        let (mut items, devices) = tokio::try_join!(items, self.query_devices(user))?;
        let person = items.take::<UserItem>(&person_key)?;
        let agent = items.take::<AgentItem>(&agent_key)?.filter(|agent| agent.owner_id == user);
        let of_agent = agent.map(|agent| agent.notification_preferences()).transpose()?.unwrap_or_default();
        let may_differ = person.as_ref().is_some_and(|person| person.notifies_by_agent);
        let general = person.map(|person| person.notification_preferences()).transpose()?.unwrap_or_default();
        Ok(Audience {
            is_unreachable: !may_differ
                && !general.webhook.enabled
                && !general.email.enabled
                && (devices.is_empty() || !general.push.enabled),
            preferences: general.of_agent(&of_agent),
            devices,
            is_muted: of_agent.is_muted(self.store.clock.now()),
        })
    }

    /// Makes the push messages of a review due once more. A lease on one stays valid, so that the outcome is not sent
    /// while the request still is. On other surfaces nothing is replaced: what was not sent yet is dropped, and the links
    /// in what was sent lead to the outcome.
    async fn end(self, user: UserId, message: MessageId) -> Result<Vec<NotificationRef>, Error> {
        let query = self.store.query_partition(keys::user_partition(user), &keys::notifications_of(message));
        let announced = query.collect_all::<NotificationItem>().await?;
        let mut references = vec![];
        for NotificationItem { notification: Notification { surface, .. }, .. } in announced {
            let (now, is_replaced) = (self.store.clock.now(), surface_of(&surface) == NotificationSurface::Push);
            let state = if is_replaced { State::Pending } else { State::Dropped };
            let update = Update::new(keys::notification(user, message, &surface))
                .set("state", s(state.word()))
                .set("attempts", n(0))
                .set("nextAttemptAt", s(now))
                .set("endedAt", s(now))
                .remove("dueShard")
                .remove("dueSort")
                .increase("revision", n(1))
                .when(item_exists())
                .when(attr("endedAt").absent());
            // A refusal means that this change was handled before.
            let _ = update.send_item(&self.store.table).await?;
            if is_replaced {
                references.push(NotificationRef { owner_id: user, message_id: message, surface });
            }
        }
        Ok(references)
    }
}

/// The writes that add a request to a digest.
enum Write {
    Taken,
    Digest,
}

fn next_full_hour(after: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000;
    Timestamp::from_millis((after.millis() / HOUR + 1) * HOUR)
}

/// An item's key, and its other attributes.
fn split_key(mut item: Item) -> (Key, Item) {
    let mut part = |name| item.remove(name).and_then(|value| value.as_s().ok().cloned()).unwrap_or_default();
    let key = Key { pk: part("pk"), sk: part("sk") };
    (key, item)
}

/// A new notification. One that is due later has an entry in the index `due`.
fn planned(reference: &NotificationRef, at: Timestamp, now: Timestamp, expires_at: Timestamp) -> NotificationItem {
    let NotificationRef { owner_id, message_id, surface } = reference.clone();
    let key = keys::notification(owner_id, message_id, &surface);
    let due = (at > now).then(|| keys::due(at, message_id.ulid(), &key));
    let (due_shard, due_sort) = due.map(|due| (due.shard, due.sort)).unzip();
    let Key { pk, sk } = key;
    NotificationItem {
        pk,
        sk,
        ttl: expires_at.plus(RETENTION).epoch_seconds(),
        state: State::Pending,
        next_attempt_at: at,
        due_shard,
        due_sort,
        notification: Notification {
            owner_id,
            message_id,
            surface,
            attempts: 0,
            claims: 0,
            revision: 0,
            has_reminder: false,
            requests: BTreeSet::new(),
        },
    }
}
