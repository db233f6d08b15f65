//! Places in the index `due`, and the work that an item in it stands for.

use dynamo::Key;
use ulid::Ulid;

use crate::aws::queue::NotificationRef;
use crate::clock::Timestamp;
use crate::ids::{AgentId, FileId, MessageId, UserId, parse_ulid};
use crate::storage::keys::{CLEANUPS, FILES, MESSAGES, NOTIFICATIONS, REMOVAL, SIGNS, SOCKET, SOCKETS, ulid_after};

const DUE_SHARDS: u128 = 4;
const SIGNED: &str = "#SIGN#";

/// A place in the index `due`.
#[derive(Clone, Debug)]
pub struct Due {
    pub shard: String,
    pub sort: String,
}

/// The place of an item in the index `due`, by the time it is due; the id chooses the shard.
pub fn due(at: Timestamp, ulid: Ulid, key: &Key) -> Due {
    Due { shard: due_shard(ulid.random() % DUE_SHARDS), sort: format!("{at}#{}#{}", key.pk, key.sk) }
}

fn due_shard(number: u128) -> String {
    format!("DUE#{number}")
}

/// All shards of the index `due`.
pub fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(due_shard)
}

/// All that is due at `now` or before sorts before this, and nothing else does.
pub fn due_until(now: Timestamp) -> String {
    // '$' is the character after '#'.
    format!("{now}$")
}

/// The place of the sign that somebody is about to answer a review: directly behind the review's own.
pub fn sign_sort(review: &str, at: Timestamp) -> String {
    format!("{review}{SIGNED}{at}")
}

/// When a sign was given, by what its place adds to that of its review.
pub fn sign_at(added: &str) -> Option<Timestamp> {
    Timestamp::parse(added.strip_prefix(SIGNED)?)
}

/// What is to be done about a due item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueWork {
    /// A pending review expires, at this time.
    Review(MessageId, Timestamp),
    /// A file that no message has claimed is deleted.
    File(FileId),
    /// Objects are deleted, then the cleanup record that names them.
    Bytes(Key),
    /// An agent's deletion is completed.
    Agent(AgentId),
    /// A user's deletion is completed.
    User(UserId),
    /// A notification that is due, or its reminder, is sent to the queue.
    Notification(NotificationRef),
    /// The sign that somebody was about to answer a review is deleted.
    Sign(MessageId),
    /// A connection of the WebSocket API is pinged, or ended.
    Socket(String),
    /// Unknown: a mistake, or the work of a later version.
    Unknown(Key),
}

impl DueWork {
    /// The work that an item stands for, by its key and its place in the index.
    pub fn of(key: Key, due_sort: &str) -> Self {
        Self::parse(&key, due_sort).unwrap_or(Self::Unknown(key))
    }

    /// Whether it is a deletion, whose amount of work is unknown.
    pub fn may_take_long(&self) -> bool {
        matches!(self, Self::Agent(_) | Self::User(_))
    }

    fn parse(key: &Key, due_sort: &str) -> Option<Self> {
        if key.sk == REMOVAL {
            let agent = ulid_after("AGENT#", &key.pk).map(|ulid| Self::Agent(AgentId::from_ulid(ulid)));
            return agent.or_else(|| Some(Self::User(UserId::from_ulid(ulid_after("USER#", &key.pk)?))));
        }
        if let Some(notification) = key.sk.strip_prefix(NOTIFICATIONS) {
            return notification_of(&key.pk, notification).map(Self::Notification);
        }
        if key.sk.starts_with(CLEANUPS) {
            return Some(Self::Bytes(key.clone()));
        }
        if key.sk == SOCKET {
            return Some(Self::Socket(key.pk.strip_prefix(SOCKETS)?.to_owned()));
        }
        let channel = AgentId::from_ulid(ulid_after("CHANNEL#", &key.pk)?);
        if let Some(message) = ulid_after(MESSAGES, &key.sk) {
            let expires_at = due_sort.split('#').next().and_then(Timestamp::parse)?;
            return Some(Self::Review(MessageId::in_channel(channel, message), expires_at));
        }
        if let Some(message) = ulid_after(SIGNS, &key.sk) {
            return Some(Self::Sign(MessageId::in_channel(channel, message)));
        }
        ulid_after(FILES, &key.sk).map(|file| Self::File(FileId::in_channel(channel, file)))
    }
}

/// The notification whose sort key ends so.
fn notification_of(pk: &str, rest: &str) -> Option<NotificationRef> {
    let mut parts = rest.splitn(3, '#');
    let channel = AgentId::from_ulid(parse_ulid(parts.next()?).ok()?);
    let message_id = MessageId::in_channel(channel, parse_ulid(parts.next()?).ok()?);
    let owner_id = UserId::from_ulid(ulid_after("USER#", pk)?);
    Some(NotificationRef { owner_id, message_id, surface: parts.next()?.to_owned() })
}
