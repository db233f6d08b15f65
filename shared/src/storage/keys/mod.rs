//! Every key of the table, and so its documentation. Nothing else writes one.
//!
//! | item | pk | sk | besides the entity's own attributes |
//! |---|---|---|---|
//! | API key | `KEY#<sha256>` | `KEY` | `userId`, `keyId` |
//! | API key, as its user sees it | `USER#<user>` | `KEY#<key>` | `hash`: which of the former is it |
//! | user | `USERS` | `USER#<user>` | `theme`; `notifications`: preferences as JSON; `notifiesByAgent` once some agent has a surface of its own on; `removing` from the start of a removal to its end |
//! | removal of a user | `USER#<user>` | `REMOVAL` | while present, all of the user's sessions and API keys are rejected; kept until the final cleanup pass: index due |
//! | changes of what a user's inbox shows | `USER#<user>` | `CHANGES` | `sequence`: grows with them; `changedAt`; comes with the first; `notifySince`, if the user may have to be notified of requests; `storedBytes` of the user's files, `archivedBytes` of their archives, `bytesCountedAt`: when these were last counted one by one |
//! | a browser that a user gets push messages on | `USER#<user>` | `PUSH#<sha256 of the endpoint>` | `endpoint`, `keys`, `vapidKey`: the public key that it was subscribed with |
//! | whose browser it is | `PUSH#<sha256 of the endpoint>` | `PUSH` | `userId` |
//! | the webhook that a user is notified by | `USER#<user>` | `WEBHOOK` | `url`, `format`, `headers`, `auth`, `secret` |
//! | notification of a review on one surface | `USER#<user>` | `NOTIFICATION#<agent>#<message>#<surface>` | `state`, `attempts`, `nextAttemptAt`, `lease`, `leaseUntil` as of a webhook; `claims`; `revision`, which grows once the review has ended; `hasReminder`; `endedAt`, `ttl`; while it, or its reminder, is due later: index due |
//! | how many owners there are | `USERS` | `OWNERS` | `owners` |
//! | e-mail address | `EMAIL#<lower case>` | `EMAIL` | `userId`, `passwordHash`, `passwordId`: new with every password |
//! | attempts to sign in to an address | `EMAIL#<lower case>` | `LOGIN`; by a browser that signed in before `LOGIN#DEVICE#<device>`, with a former password `LOGIN#FORMER`; by a signed-in person `LOGIN#SESSION` | `tries`: `failures` and those under way; `windowEnds`, `ttl` |
//! | attempts to sign in from a network | `SOURCE#<address>` | `LOGIN` | the same |
//! | the installation, on one machine only | `INSTANCE` | `INSTANCE` | `instanceId`, `secretFingerprint`, `credentialsShownAt`, `startedAt` |
//! | the schema version of the table | `SCHEMA` | `SCHEMA` | `version`: the newest that code with access has written; `migratedTo`; during a migration `migratingTo`, `cursorPk`, `cursorSk` |
//! | session | `SESSION#<sha256>` | `SESSION` | `userId`, `expiresAt`, `ttl` |
//! | session, as one of its user's | `USER#<user>` | `SESSION#<sha256>` | `hash`, `passwordId`: the password it was begun with, `sessionId`: the same over refreshes, `signedInAt`, `refreshedAt`, `device`, `address`, `ttl` |
//! | ticket for one socket | `TICKET#<sha256>` | `TICKET` | `userId`, `session`: the hash of the session that asked for it, `expiresAt`, `usedAt`, `ttl` |
//! | connection of the WebSocket API | `SOCKET#<connection>` | `SOCKET` | `caller`: who has signed in, by the hash of the credential; `openedAt`: when it got its first frame; index due: its next ping; `ttl` |
//! | the same, as one of its user's | `SOCKETS#<user>` | `CONNECTION#<connection>` | `credential`, `isPerson`, `ttl` |
//! | the same, in a channel | `SOCKETS#<user>` | `CHANNEL#<agent>#<connection>` | the same |
//! | the last event that was sent to the connections in a channel | `SOCKETS#<user>` | `SENT#<agent>#AGENT`, `SENT#<agent>#MESSAGES` | `number`: its sequence number in the table's stream, `ttl` |
//! | logged API call | `LOG#<user>` | `<log>` | `ttl` |
//! | agent | `AGENT#<agent>` | `AGENT` | `notifications`: what its owner prefers for it, as JSON; index owner, sort `AGENT#<agent>` |
//! | removal of an agent | `AGENT#<agent>` | `REMOVAL` | outlives the agent until the last look after it: index due; index owner, sort `REMOVAL#<agent>` |
//! | message | `CHANNEL#<agent>` | `MESSAGE#<message>` | of a stream: `setWithDraft`, hashes of what its first call said for good; `imported` of a copy from elsewhere; with a review: index owner, sort by review (below); index due, by the time when it expires, and once it is decided among the agent's decided ones |
//! | sign that somebody is about to answer a review | `CHANNEL#<agent>` | `SIGN#<message>` | index due, directly behind the review; `ttl` |
//! | file | `CHANNEL#<agent>` | `FILE#<file>` | index owner, sort `FILE#<file>`; until a message claims it or an answer names it: index due; while its bytes are only announced: `announced` |
//! | an agent's counters | `CHANNEL#<agent>` | `STATS` | |
//! | status history | `CHANNEL#<agent>` | `STATUS#<ulid>` | `ttl` |
//! | idempotency | `CHANNEL#<agent>` | `CLIENT#<agent or user>#<sha256 of the client id>` | `messageId`, `bodyHash`; of a call that changed a draft also `ttl` |
//! | what an `Idempotency-Key` made: a file | `CHANNEL#<agent>` | `CALL#<route>#<agent or user>#<sha256 of the key>` | `made`: its id, `bodyHash`, `ttl` |
//! | the same: an agent | `USER#<user>` | `CALL#agents#<agent or user>#<sha256 of the key>` | `made`, `bodyHash`, `ttl` |
//! | chain of iterations | `CHANNEL#<agent>` | `ITERATION#<first message>` | `members`: ids of its messages, in order |
//! | stream | `CHANNEL#<agent>` | `STREAM#<sha256 of the stream id>` | `messageId`; before its draft exists: `statusEvents`, `ttl` |
//! | cleanup record | `CHANNEL#<agent>`; of an archive `USER#<user>` | `REMOVAL#<ulid>` | of an archive `ownerId` and `size`; `objects` of the bucket that are to go, of a deleted message or file, or an archive, or that were put for an item which is not there yet; index due |
//! | history of a decided act whose message is deleted | `HISTORY#<user>` | `<agent>#<message>` | `history`: JSON of its entries, the decision, its receipt and when it was consumed; `ttl`. No call changes it; the deletion of the user removes it |
//! | delivery of a webhook | `CHANNEL#<agent>` | `DELIVERY#<webhook-id>` | `payload` as it is sent, `state`, `attempts`, `nextAttemptAt`, `lease`, `leaseUntil`, `retryRequestedAt`, `ttl` |
//! | a plugin's settings, the deployment's | `PLUGIN#<name>` | `SETTINGS` | `env:<KEY>`: each value, encrypted; `changedBy`, `changedAt` |
//!
//! `<user>`, `<agent>`, `<message>`, `<file>`, `<key>`, `<log>` are ULIDs: they sort by time.
//!
//! **Index `owner`** (`ownerId`, `ownerSort`; all attributes) lists what is one person's:
//! `AGENT#...`, `FILE#...`, reviews as `REVIEW#pending#<agent>#<message>` (so that one
//! channel's pending ones are a range of their own), `REVIEW#completed#<time>#<message>`,
//! `REVIEW#expired#<time>#<message>`, `REVIEW#cancelled#<time>#<message>` with the time when each was decided (without
//! it until the migration to version 3), and as `REMOVAL#<agent>` the agents whose reviews and files lists
//! leave out, because they are going.
//!
//! **Index `due`** (`dueShard` = `DUE#<0..3>`, `dueSort` = `<time>#<pk>#<sk>`; keys only) lists
//! what has to be done by a time; [`DueWork`] says what, by the key. Waits look here whether a review is pending.
//! `DECIDED#<agent>` lists the decided reviews of an agent as `<status>#<time>#<message>`; nothing is due about them.
//!
//! **`v`** is the schema version of the item (`dynamo::version`); an item without it is older than
//! versions. Code reads items of its own version and of every earlier one.
//!
//! **`ttl`** (seconds since 1970) lets DynamoDB delete items that have expired.

mod decided;
mod due;
mod objects;
pub mod owned;

use dynamo::Index;
pub use dynamo::Key;
use ulid::Ulid;

pub use decided::{DecidedPlace, DecidedSpan, agents_decided, agents_decided_sort, owned_decided};
pub use due::{Due, DueWork, due, due_shards, due_until, sign_at, sign_sort};
pub use objects::{Prefix, StorageKey};

use crate::clock::Timestamp;
use crate::ids::{AgentId, ApiKeyId, FileId, LogId, MessageId, UserId};
use crate::models::account::Email;
use crate::models::stream::StreamId;
use crate::models::{SenderType, SourceAddress};
use crate::secrets::SecretHash;
use crate::storage::CallOf;

/// Lists what is one user's.
pub const OWNER_INDEX: Index = Index { name: "owner", pk: "ownerId", sk: "ownerSort" };
/// Lists what has to be done by a time.
pub const DUE_INDEX: Index = Index { name: "due", pk: "dueShard", sk: "dueSort" };

/// An API key, by its hash: what a call is authenticated with.
pub fn api_key(hash: &SecretHash) -> Key {
    Key::new(format!("{API_KEYS}{}", hash.as_str()), "KEY")
}

/// An API key as its user sees it.
pub fn user_api_key(user: UserId, key: ApiKeyId) -> Key {
    Key::new(user_partition(user), format!("{USER_API_KEYS}{}", key.ulid()))
}

/// A user.
pub fn user(user: UserId) -> Key {
    Key::new(USERS, format!("{USER_ITEMS}{}", user.ulid()))
}

/// The deletion of a user; while present, all of their credentials are rejected.
pub fn user_removal(user: UserId) -> Key {
    Key::new(user_partition(user), REMOVAL)
}

/// The version of what a user's inbox shows.
pub fn changes(user: UserId) -> Key {
    Key::new(user_partition(user), CHANGES)
}

/// The count of owners, which never falls to nothing.
pub fn owners() -> Key {
    Key::new(USERS, "OWNERS")
}

/// An account's e-mail address, with its password hash.
pub fn email(email: &Email) -> Key {
    Key::new(email_partition(email), "EMAIL")
}

/// The attempts of callers that present nothing but an address.
pub fn login(email: &Email) -> Key {
    Key::new(email_partition(email), LOGINS)
}

/// The attempts from one network at any address.
pub fn source_login(source: SourceAddress) -> Key {
    Key::new(format!("SOURCE#{}", source.network()), LOGINS)
}

/// The attempts of one browser that signed in with the current password.
pub fn device_login(email: &Email, device: Ulid) -> Key {
    Key::new(email_partition(email), format!("{LOGINS}#DEVICE#{device}"))
}

/// The attempts of all browsers that signed in with a former password.
pub fn former_device_login(email: &Email) -> Key {
    Key::new(email_partition(email), format!("{LOGINS}#FORMER"))
}

/// The attempts of a signed-in person.
pub fn session_login(email: &Email) -> Key {
    Key::new(email_partition(email), format!("{LOGINS}#SESSION"))
}

/// A session, by the hash of its token: what a call is authenticated with.
pub fn session(hash: &SecretHash) -> Key {
    Key::new(format!("{SESSIONS}{}", hash.as_str()), "SESSION")
}

/// A session as one of its user's.
pub fn user_session(user: UserId, hash: &SecretHash) -> Key {
    Key::new(user_partition(user), format!("{USER_SESSIONS}{}", hash.as_str()))
}

/// A ticket for a socket, by its hash.
pub fn ticket(hash: &SecretHash) -> Key {
    Key::new(format!("{TICKETS}{}", hash.as_str()), "TICKET")
}

/// A connection of the WebSocket API.
pub fn socket(id: &str) -> Key {
    Key::new(format!("{SOCKETS}{id}"), SOCKET)
}

/// A connection as one of its user's: it gets all events if it is a person's.
pub fn user_socket(user: UserId, id: &str) -> Key {
    Key::new(socket_partition(user), format!("{USER_SOCKETS}{id}"))
}

/// A connection in a channel of its user.
pub fn channel_socket(user: UserId, channel: AgentId, id: &str) -> Key {
    Key::new(socket_partition(user), format!("{}{id}", channel_sockets(channel)))
}

/// The sort keys of the connections in a channel start with this, in [`socket_partition`].
pub fn channel_sockets(channel: AgentId) -> String {
    format!("CHANNEL#{}#", channel.ulid())
}

/// The last event of an item's kind that was sent to the connections in a channel. Changes of an agent and of its
/// messages are in different shards of the stream, whose numbers cannot be compared.
pub fn sent_event(user: UserId, channel: AgentId, is_of_agent: bool) -> Key {
    let kind = if is_of_agent { "AGENT" } else { "MESSAGES" };
    Key::new(socket_partition(user), format!("SENT#{}#{kind}", channel.ulid()))
}

/// The partition of a user's connections.
pub fn socket_partition(user: UserId) -> String {
    format!("{SOCKETS_OF_USERS}{}", user.ulid())
}

/// An entry of a user's request log.
pub fn log(user: UserId, log: LogId) -> Key {
    Key::new(log_partition(user), log.ulid().to_string())
}

/// An agent.
pub fn agent(agent: AgentId) -> Key {
    Key::new(format!("AGENT#{}", agent.ulid()), AGENT)
}

/// The deletion of an agent.
pub fn removal(agent: AgentId) -> Key {
    Key::new(format!("AGENT#{}", agent.ulid()), REMOVAL)
}

/// The counters of an agent.
pub fn stats(agent: AgentId) -> Key {
    Key::new(channel_partition(agent), "STATS")
}

/// One change in the status history of an agent.
pub fn status_change(agent: AgentId, at: Ulid) -> Key {
    Key::new(channel_partition(agent), format!("{STATUS_CHANGES}{at}"))
}

/// A message, with its review if it has one.
pub fn message(message: MessageId) -> Key {
    Key::new(channel_partition(message.channel()), format!("{MESSAGES}{}", message.ulid()))
}

/// The sign that somebody is about to answer a review.
pub fn sign(message: MessageId) -> Key {
    Key::new(channel_partition(message.channel()), format!("{SIGNS}{}", message.ulid()))
}

/// A file.
pub fn file(file: FileId) -> Key {
    Key::new(channel_partition(file.channel()), format!("{FILES}{}", file.ulid()))
}

/// An agent's client ids are separate from those of the people who write to it.
pub fn client(channel: AgentId, sender: SenderType, client_id: &str) -> Key {
    let (sender, hash) = (sender.word(), SecretHash::of(client_id));
    Key::new(channel_partition(channel), format!("CLIENT#{sender}#{}", hash.as_str()))
}

/// What an `Idempotency-Key` made in a channel.
pub fn call(channel: AgentId, sender: SenderType, of: CallOf, key: &str) -> Key {
    Key::new(channel_partition(channel), call_sort(sender, of, key))
}

/// What an `Idempotency-Key` made for a user.
pub fn user_call(user: UserId, sender: SenderType, of: CallOf, key: &str) -> Key {
    Key::new(user_partition(user), call_sort(sender, of, key))
}

/// The chain of iterations that begins with a message.
pub fn chain(root: MessageId) -> Key {
    Key::new(channel_partition(root.channel()), format!("ITERATION#{}", root.ulid()))
}

/// A stream of a message, by the hash of its id.
pub fn stream(channel: AgentId, stream: &StreamId) -> Key {
    Key::new(channel_partition(channel), format!("STREAM#{}", SecretHash::of(stream.as_str()).as_str()))
}

/// The cleanup record of objects that something deleted in this channel has left.
pub fn cleanup(channel: AgentId, removal: Ulid) -> Key {
    Key::new(channel_partition(channel), format!("{CLEANUPS}{removal}"))
}

/// The cleanup record of an archive of a user's files.
pub fn archive_cleanup(user: UserId, archive: Ulid) -> Key {
    Key::new(user_partition(user), format!("{CLEANUPS}{archive}"))
}

/// The history of a decided act whose message is deleted. It is not the channel's, because it outlives that, too.
pub fn history(user: UserId, message: MessageId) -> Key {
    Key::new(history_partition(user), format!("{}#{}", message.channel().ulid(), message.ulid()))
}

/// The partition of the histories of a user's deleted messages.
pub fn history_partition(user: UserId) -> String {
    format!("HISTORY#{}", user.ulid())
}

/// A delivery to a webhook.
pub fn delivery(channel: AgentId, webhook_id: &str) -> Key {
    Key::new(channel_partition(channel), format!("DELIVERY#{webhook_id}"))
}

/// A browser that a user gets push messages on, by the hash of its endpoint.
pub fn push_device(user: UserId, endpoint: &SecretHash) -> Key {
    Key::new(user_partition(user), format!("{PUSH_DEVICES}{}", endpoint.as_str()))
}

/// Whose browser an endpoint is.
pub fn push_owner(endpoint: &SecretHash) -> Key {
    Key::new(format!("PUSH#{}", endpoint.as_str()), PUSH_OWNER)
}

/// The webhook that a user is notified by.
pub fn notification_webhook(user: UserId) -> Key {
    Key::new(user_partition(user), "WEBHOOK")
}

/// The notification of a review on one surface.
pub fn notification(user: UserId, message: MessageId, surface: &str) -> Key {
    Key::new(user_partition(user), format!("{}{surface}", notifications_of(message)))
}

/// Sort keys of a review's notifications start with this, in [`user_partition`].
pub fn notifications_of(message: MessageId) -> String {
    format!("{NOTIFICATIONS}{}#{}#", message.channel().ulid(), message.ulid())
}

/// The schema version of the table, and how far a migration is.
pub fn schema() -> Key {
    Key::new("SCHEMA", "SCHEMA")
}

/// The installation of the local runner.
pub fn instance() -> Key {
    Key::new("INSTANCE", "INSTANCE")
}

/// The settings of a plugin.
pub fn plugin(name: &str) -> Key {
    Key::new(format!("PLUGIN#{name}"), "SETTINGS")
}

/// The partition of an address: its account, and the attempts to sign in.
pub fn email_partition(email: &Email) -> String {
    format!("EMAIL#{}", email.as_str())
}

/// Partitions of API keys start with this.
pub const API_KEYS: &str = "KEY#";
/// Partitions of sessions start with this.
pub const SESSIONS: &str = "SESSION#";
/// Partitions of tickets start with this.
pub const TICKETS: &str = "TICKET#";
/// Partitions of connections of the WebSocket API start with this.
pub const SOCKETS: &str = "SOCKET#";
/// Partitions of users' connections start with this.
pub const SOCKETS_OF_USERS: &str = "SOCKETS#";
/// The sort key of a connection of the WebSocket API.
pub const SOCKET: &str = "SOCKET";
/// Sort keys of a user's connections start with this, in [`socket_partition`].
pub const USER_SOCKETS: &str = "CONNECTION#";
/// Sort keys of connections start with this, in [`socket_partition`]: a user's own, and those in channels.
pub const ROOMS: &str = "C";
/// The sort key of the version of a user's inbox.
pub const CHANGES: &str = "CHANGES";
/// Sort keys of attempts to sign in start with this, in [`email_partition`].
pub const LOGINS: &str = "LOGIN";
/// The partition of all users.
pub const USERS: &str = "USERS";
/// Sort keys of users start with this, in [`USERS`].
pub const USER_ITEMS: &str = "USER#";
/// Sort keys of a user's sessions start with this, in [`user_partition`].
pub const USER_SESSIONS: &str = "SESSION#";
/// Sort keys of a user's browsers for push messages start with this, in [`user_partition`].
pub const PUSH_DEVICES: &str = "PUSH#";
/// The sort key of an endpoint's owner.
pub const PUSH_OWNER: &str = "PUSH";
/// Sort keys of a user's notifications start with this, in [`user_partition`].
pub const NOTIFICATIONS: &str = "NOTIFICATION#";
/// Sort keys of a user's API keys start with this, in [`user_partition`].
pub const USER_API_KEYS: &str = "KEY#";
/// The sort key of an agent.
pub const AGENT: &str = "AGENT";
/// The sort key of an agent's and of a user's removal.
pub const REMOVAL: &str = "REMOVAL";
/// Sort keys of cleanup records start with this.
pub const CLEANUPS: &str = "REMOVAL#";
/// Sort keys of messages start with this, in [`channel_partition`].
pub const MESSAGES: &str = "MESSAGE#";
/// Sort keys of signs that somebody is about to answer start with this, in [`channel_partition`].
pub const SIGNS: &str = "SIGN#";
/// Sort keys of files start with this, in [`channel_partition`].
pub const FILES: &str = "FILE#";

/// Sort keys of an agent's status history start with this, in [`channel_partition`].
pub const STATUS_CHANGES: &str = "STATUS#";

fn call_sort(sender: SenderType, of: CallOf, key: &str) -> String {
    format!("CALL#{}#{}#{}", of.word(), sender.word(), SecretHash::of(key).as_str())
}

/// The partition of a user's own items.
pub fn user_partition(user: UserId) -> String {
    format!("USER#{}", user.ulid())
}

/// The partition of a user's request log.
pub fn log_partition(user: UserId) -> String {
    format!("LOG#{}", user.ulid())
}

/// The partition of an agent's messages and files.
pub fn channel_partition(channel: AgentId) -> String {
    format!("CHANNEL#{}", channel.ulid())
}

/// The id inside a sort key that starts with `prefix`.
pub fn ulid_after(prefix: &str, sk: &str) -> Option<Ulid> {
    crate::ids::parse_ulid(sk.strip_prefix(prefix)?).ok()
}

/// The last sort key that a page of files older than `before` can start with, in a channel and in
/// the index `owner` alike.
pub fn files_before(before: Option<Ulid>) -> String {
    format!("{FILES}{}", last_before(before))
}

/// The last sort key that a page of messages older than `before` can start with; all of them
/// without one. It is inclusive, as BETWEEN is.
pub fn messages_before(before: Option<Ulid>) -> String {
    format!("{MESSAGES}{}", last_before(before))
}

fn last_before(before: Option<Ulid>) -> Ulid {
    before.map_or(Ulid::max(), |ulid| Ulid::from(u128::from(ulid).saturating_sub(1)))
}

/// The last sort key that a page of logs older than `before` can start with; inclusive.
pub fn logs_before(before: Option<LogId>) -> String {
    let last = before.map_or(Ulid::max(), |log| Ulid::from(u128::from(log.ulid()).saturating_sub(1)));
    last.to_string()
}

/// The first sort key of a log made at `since`.
pub fn logs_since(since: Timestamp) -> String {
    Ulid::from_parts(since.millis().unsigned_abs(), 0).to_string()
}
