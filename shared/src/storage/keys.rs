//! Every key of the table, and so its documentation. Nothing else writes one.
//!
//! | item | pk | sk | beside the entity's own attributes |
//! |---|---|---|---|
//! | API key | `KEY#<sha256>` | `KEY` | `userId`, `keyId` |
//! | API key, as its user sees it | `USER#<user>` | `KEY#<key>` | `hash`: which of the former is it |
//! | user | `USER#<user>` | `USER` | |
//! | e-mail address | `EMAIL#<lower case>` | `EMAIL` | `userId`, `passwordHash` |
//! | failed sign-ins of an address | `EMAIL#<lower case>` | `LOGIN` | `failures`, `windowEnds`, `ttl` |
//! | session | `SESSION#<sha256>` | `SESSION` | `userId`, `expiresAt`, `ttl` |
//! | agent | `AGENT#<agent>` | `AGENT` | index owner, sort `AGENT#<agent>` |
//! | message | `CHANNEL#<agent>` | `MESSAGE#<message>` | with a review: index owner, sort by review (below); while that is pending: index due |
//! | file | `CHANNEL#<agent>` | `FILE#<file>` | index owner, sort `FILE#<file>`; until a message claims it: index due |
//! | idempotency | `CHANNEL#<agent>` | `CLIENT#<sha256 of the client id>` | `messageId`, `bodyHash` |
//! | a plugin's settings, the deployment's | `PLUGIN#<name>` | `SETTINGS` | `env:<KEY>`: each value, encrypted; `changedBy`, `changedAt` |
//!
//! `<user>`, `<agent>`, `<message>`, `<file>`, `<key>` are ULIDs: they sort by time.
//!
//! **Index `owner`** (`ownerId`, `ownerSort`; all attributes) lists what is one person's:
//! `AGENT#...`, `FILE#...`, and reviews as `REVIEW#pending#<agent>#<message>` (so that one
//! channel's pending ones are a range of their own), `REVIEW#completed#<message>`,
//! `REVIEW#expired#<message>`.
//!
//! **Index `due`** (`dueShard` = `DUE#<0..3>`, `dueSort` = `<time>#<pk>#<sk>`; keys only) lists
//! what has to be done by a time.
//!
//! **`ttl`** (seconds since 1970) lets DynamoDB remove what nobody needs any more.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::ids::{AgentId, ApiKeyId, FileId, MessageId, UserId};
use crate::models::ReviewStatus;
use crate::models::account::Email;
use crate::secrets::Hashed;

pub const PK: &str = "pk";
pub const SK: &str = "sk";
pub const OWNER_INDEX: &str = "owner";
pub const OWNER_ID: &str = "ownerId";
pub const OWNER_SORT: &str = "ownerSort";

const DUE_SHARDS: u128 = 4;

/// The key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub fn api_key(hash: &Hashed) -> Self {
        Self::new(format!("KEY#{}", hash.as_str()), "KEY")
    }

    pub fn user_api_key(user: UserId, key: ApiKeyId) -> Self {
        Self::new(user_partition(user), format!("{USER_API_KEYS}{}", key.ulid()))
    }

    pub fn user(user: UserId) -> Self {
        Self::new(user_partition(user), "USER")
    }

    pub fn email(email: &Email) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), "EMAIL")
    }

    pub fn login(email: &Email) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), "LOGIN")
    }

    pub fn session(hash: &Hashed) -> Self {
        Self::new(format!("SESSION#{}", hash.as_str()), "SESSION")
    }

    pub fn agent(agent: AgentId) -> Self {
        Self::new(format!("AGENT#{}", agent.ulid()), "AGENT")
    }

    pub fn message(message: MessageId) -> Self {
        Self::new(channel_partition(message.channel()), format!("{MESSAGES}{}", message.ulid()))
    }

    pub fn file(file: FileId) -> Self {
        Self::new(channel_partition(file.channel()), format!("{FILES}{}", file.ulid()))
    }

    pub fn client(channel: AgentId, client_id: &str) -> Self {
        Self::new(channel_partition(channel), format!("CLIENT#{}", Hashed::of(client_id).as_str()))
    }

    pub fn plugin(name: &str) -> Self {
        Self::new(format!("PLUGIN#{name}"), "SETTINGS")
    }

    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        HashMap::from([(PK.to_owned(), text(&self.pk)), (SK.to_owned(), text(&self.sk))])
    }

    /// The key that an item is stored under.
    pub fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name| item.get(name).and_then(|value| value.as_s().ok());
        Some(Self::new(text(PK)?, text(SK)?))
    }
}

/// Sort keys of a user's API keys start with this, in [`user_partition`].
pub const USER_API_KEYS: &str = "KEY#";
/// Sort keys of messages start with this, in [`channel_partition`].
pub const MESSAGES: &str = "MESSAGE#";
/// Sort keys of files start with this, in [`channel_partition`].
pub const FILES: &str = "FILE#";

pub fn user_partition(user: UserId) -> String {
    format!("USER#{}", user.ulid())
}

pub fn channel_partition(channel: AgentId) -> String {
    format!("CHANNEL#{}", channel.ulid())
}

/// The id inside a sort key that starts with `prefix`.
pub fn ulid_after(prefix: &str, sk: &str) -> Option<Ulid> {
    crate::ids::parse_ulid(sk.strip_prefix(prefix)?).ok()
}

/// The last sort key that a page of messages older than `before` can start with; all of them
/// without one. It is inclusive, as BETWEEN is.
pub fn messages_before(before: Option<Ulid>) -> String {
    let last = before.map_or(Ulid::max(), |ulid| Ulid::from(u128::from(ulid).saturating_sub(1)));
    format!("{MESSAGES}{last}")
}

/// Places in the index `owner`.
pub mod owned {
    use super::*;

    pub const AGENTS: &str = "AGENT#";

    pub fn agent(agent: AgentId) -> String {
        format!("{AGENTS}{}", agent.ulid())
    }

    pub fn file(file: FileId) -> String {
        format!("FILE#{}", file.ulid())
    }

    pub fn review(status: ReviewStatus, message: MessageId) -> String {
        match status {
            ReviewStatus::Pending => format!("{}{}", pending_in(message.channel()), message.ulid()),
            decided => format!("{}{}", reviews(decided), message.ulid()),
        }
    }

    /// The prefix of all of a person's reviews of one status.
    pub fn reviews(status: ReviewStatus) -> String {
        format!("REVIEW#{}#", status.word())
    }

    /// The prefix of one channel's pending reviews.
    pub fn pending_in(channel: AgentId) -> String {
        format!("{}{}#", reviews(ReviewStatus::Pending), channel.ulid())
    }
}

/// A place in the index `due`.
pub struct Due {
    pub shard: String,
    pub sort: String,
}

pub fn due(at: Timestamp, ulid: Ulid, key: &Key) -> Due {
    Due { shard: format!("DUE#{}", ulid.random() % DUE_SHARDS), sort: format!("{at}#{}#{}", key.pk, key.sk) }
}

/// Every object of the bucket.
pub enum StorageKey {
    Upload(FileId),
}

impl std::fmt::Display for StorageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Upload(file) => write!(f, "uploads/{}/{}", file.channel().ulid(), file.ulid()),
        }
    }
}
