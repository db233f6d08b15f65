//! The table and the bucket, by entity.
//!
//! - [`Store`]: authenticates callers, opens channels, and hands out a handle for each entity
//! - `accounts`: users, sessions, API keys, passwords, login attempts, preferences
//! - `agents`: agents with their webhooks, pictures, heartbeats and counters
//! - `messages`: messages, streams, status events, iterations
//! - `reviews`: answers, expiry, lists of reviews
//! - `files`: files, direct uploads, archives, and the deletion of orphaned objects
//! - `webhooks`: events of the table's stream, and their deliveries
//! - `socket_events`: events of the table's stream, for sockets; `sockets`: connections of the WebSocket API
//! - `notifications`: how people hear of requests: their browsers, and what is sent to them
//! - `leases`: who sends a stored delivery; `notify_mark`: the mark of users who may have to be notified
//! - `inbox`: the version of what an inbox shows, and what every page shows of its reader
//! - `plugins`, `request_log`, `instance` (of the local runner); `gathered`: what is written in the background, together
//! - `idempotency`: what an `Idempotency-Key` created; `due`: what has to be done by a time;
//!   `deletion`: how agents and users are deleted in several calls
//! - [`keys`]: every key, and so the table's documentation
//! - [`Blobs`]: the bucket
//! - `items`: the stored form of messages, reviews and files; `room`: the size that an item keeps free;
//!   `weight`: the size of a response
//! - [`copy`]: copying everything to another service
//! - `migrations`: the schema version of the table, and the migrations to it
//!
//! A method is private unless a function or another entity calls it, and its name is unique only
//! within its entity. Reads and writes of the table go through the crate `dynamo`. `files` and `webhooks` know no
//! messages beyond their stored form; `reviews` is above them, and `messages` above all three.
//!
//! Whose data it is comes first in every method: a caller that is authenticated in the same call,
//! or a [`Channel`] or user id that such a call gave out.

mod accounts;
mod agents;
mod blobs;
pub mod copy;
mod deletion;
mod due;
mod files;
mod gathered;
mod idempotency;
mod inbox;
mod instance;
mod items;
pub mod keys;
mod leases;
mod messages;
mod migrations;
mod notifications;
mod notify_mark;
mod plugins;
mod request_log;
mod reviews;
mod room;
mod socket_events;
mod sockets;
mod webhooks;
mod weight;

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ulid::Ulid;

pub use dynamo::{Table, schema};

pub use crate::models::stats::StatsDelta;
pub use accounts::{Accounts, NewSession};
pub use agents::{Agents, Avatar, ParentAgent, PreparedAgent, SealedManagement, Webhook};
pub use blobs::{Blobs, Stored};
pub use deletion::DELETION_TIME;
pub use due::DuePage;
pub use files::{Files, MAX_ANNOUNCED, StoredGrowth, UploadTarget, UploadedFiles, ZIP_DISPOSITION, ZIP_TYPE, Zipped};
pub use idempotency::{CallOf, IdempotentCall};
pub use inbox::{Inbox, PageContext, affected_user};
pub use instance::Instance;
pub use leases::Outcome as DeliveryOutcome;
pub use messages::{Change, IsUsed, Messages, NewMessage, Prepared, PreparedMessage, References};
pub use notifications::{
    AttemptResult, Device, LinkedRequest, Notification, NotificationClaim, NotificationContext, Notifications,
    PersonalWebhook, ReviewChange,
};
pub use notify_mark::NotifyMark;
pub use plugins::{PluginEnv, Plugins};
pub use request_log::RequestLog;
pub use reviews::{Awaited, HistoryPage, Look, PendingList, PendingReview, Reviews, SeveralReviews};
pub use socket_events::{EndedCredential, SocketEvent, opened_socket, partition};
pub use sockets::{PING_INTERVAL, PING_TIMEOUT, Socket, Sockets, Watcher};
pub use webhooks::{Claim, Delivery, StreamImage, WebhookEvent, Webhooks, decided_message, message_of};

use dynamo::{Items, Key, Query};

use crate::aws::Clients;
use crate::caller::Caller;
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::limits::{Limits, turns};
use crate::models::Agent;
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::telemetry::cost;

/// How many keys of one BatchGetItem the check of a caller takes.
const KEYS_OF_CHECK: usize = 2;

/// How long the history of a deleted message is kept unless a setting says otherwise.
pub const HISTORY_LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

/// A page of a list, newest first; the cursor is an id.
pub type Page<T> = dynamo::pagination::Page<T, Ulid>;

/// The table.
#[derive(Clone)]
pub struct Store {
    table: Table,
    /// Whether uploaded objects exist is asked here.
    blobs: Blobs,
    clock: Clock,
    pending_stats: agents::PendingStats,
    pending_entries: request_log::PendingEntries,
    /// How long counts and entries of the log gather before a write.
    gathering: Duration,
    limits: Limits,
    /// How long the history of a deleted message is kept.
    history_lifetime: Duration,
}

/// A channel that the caller may use: only an authenticated call can give one.
#[derive(Clone, Debug)]
pub struct Channel {
    pub agent: Agent,
    owner: UserId,
    avatar: Option<agents::AvatarItem>,
}

impl Channel {
    /// The id of the channel, which is its agent's.
    pub fn id(&self) -> AgentId {
        self.agent.id
    }

    /// The person whose agent it is.
    pub fn owner(&self) -> UserId {
        self.owner
    }
}

impl Store {
    /// Storage over a table and a bucket, with the default limits.
    pub fn new(table: Table, blobs: Blobs, clock: Clock) -> Self {
        let (pending_stats, pending_entries) = Default::default();
        let limits = Limits::default();
        Self {
            table,
            blobs,
            clock,
            pending_stats,
            pending_entries,
            gathering: Duration::ZERO,
            limits,
            history_lifetime: HISTORY_LIFETIME,
        }
    }

    /// Storage of a deployment, as its commands reach it: with clients from the environment.
    pub async fn of_deployment(table: &str, bucket: &str) -> Self {
        let clients = Clients::from_env().await;
        Self::new(Table::new(clients.dynamodb, table), Blobs::new(clients.s3, bucket), Clock::system())
    }

    /// The same store with other limits.
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same store for a process of many concurrent calls, whose counts and entries of the log gather for this long
    /// before they are written together. [`Self::write_gathered`] ends it.
    pub fn gathering(self, gathering: Duration) -> Self {
        Self { gathering, ..self }
    }

    async fn gather(&self) {
        if !self.gathering.is_zero() {
            tokio::time::sleep(self.gathering).await;
        }
    }

    /// Writes the counts and the entries of the log that have gathered, before the process ends.
    pub async fn write_gathered(&self) {
        tokio::join!(self.agents().write_pending_stats(), self.request_log().write_pending());
    }

    /// The same store, which keeps the history of a deleted message for this long.
    pub fn keeping_history(self, history_lifetime: Duration) -> Self {
        Self { history_lifetime, ..self }
    }

    /// Users, sessions, API keys and preferences.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts { store: self }
    }

    /// Agents with their webhooks, pictures and statistics.
    pub fn agents(&self) -> Agents<'_> {
        Agents { store: self }
    }

    /// Messages, streams and iterations.
    pub fn messages(&self) -> Messages<'_> {
        Messages { store: self }
    }

    /// Reviews: answers, expiry and lists.
    pub fn reviews(&self) -> Reviews<'_> {
        Reviews { store: self }
    }

    /// Files, direct uploads and archives.
    pub fn files(&self) -> Files<'_> {
        Files { store: self }
    }

    /// Deliveries to webhooks.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { store: self }
    }

    /// Notifications of people, and what they are sent to.
    pub fn notifications(&self) -> Notifications<'_> {
        Notifications { store: self }
    }

    /// What the pages of a person need.
    pub fn inbox(&self) -> Inbox<'_> {
        Inbox { store: self }
    }

    /// The settings of plugins.
    pub fn plugins(&self) -> Plugins<'_> {
        Plugins { store: self }
    }

    /// Connections of the WebSocket API.
    pub fn sockets(&self) -> Sockets<'_> {
        Sockets { store: self }
    }

    /// The request log that users read.
    pub fn request_log(&self) -> RequestLog<'_> {
        RequestLog { store: self }
    }

    /// The limits that protect callers from each other.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Authenticates a caller who reaches all that is the user's, and reads `also` in the same call. A key that
    /// reaches one agent is refused.
    pub async fn authenticate(&self, caller: impl Into<Caller>, also: &[Key]) -> Result<(UserId, Items), Error> {
        let caller = caller.into();
        let only_agent = caller.only_agent();
        let admitted = self.admit(caller, also).await?;
        if only_agent.is_some() { Err(Error::KeyOfOneAgent) } else { Ok(admitted) }
    }

    /// Authenticates a caller, and reads `also` in the same call. What is the user's is not the caller's to see if
    /// the caller reaches one agent. Strongly consistent: a key that was revoked a moment ago is refused, and so are
    /// all credentials of a user whose deletion has begun.
    pub async fn admit(&self, caller: impl Into<Caller>, also: &[Key]) -> Result<(UserId, Items), Error> {
        let caller = caller.into();
        let admitted = self.verify(&caller, also).await;
        match &admitted {
            Ok((user, _)) => turns::verified(caller.hashed(), *user).await?,
            Err(Error::NoApiKey | Error::ApiKeyExpired | Error::NoSession) => turns::forget(caller.hashed()),
            Err(_) => {}
        }
        admitted
    }

    async fn verify(&self, caller: &Caller, also: &[Key]) -> Result<(UserId, Items), Error> {
        let credential = match caller {
            Caller::Agent(agent) => keys::api_key(&agent.credential.hashed),
            Caller::Human(human) => keys::session(&human.0.hashed),
        };
        let removal = keys::user_removal(caller.claimed());
        let mut wanted = vec![credential.clone(), removal.clone()];
        wanted.extend_from_slice(also);
        let mut items = self.table.get_items(wanted).await?;
        let (user, may_call) = match caller {
            Caller::Agent(agent) => {
                let key = self.accounts().verify_api_key(&agent.credential, items.take(&credential)?)?;
                cost::record_key(key.id, &agent.credential.prefix);
                (key.user, agent.is_read || !key.is_read_only)
            }
            Caller::Human(human) => (self.accounts().verify_session(&human.0, items.take(&credential)?)?, true),
        };
        if items.contains(&removal) {
            return Err(caller.refused());
        }
        cost::record_user(user);
        if may_call { Ok((user, items)) } else { Err(Error::ReadOnlyKey) }
    }

    /// Authenticates the caller, opens a channel of theirs, and reads `also` in the same call. An agent that
    /// does not exist and another person's give the same error.
    pub async fn open_channel(
        &self,
        caller: impl Into<Caller>,
        id: AgentId,
        also: &[Key],
    ) -> Result<(Channel, Items), Error> {
        let (channel, items) = self.find_channel(caller, id, also).await?;
        Ok((channel.ok_or(Error::NotYourAgent)?, items))
    }

    /// The same for a channel that need not exist any more: none if it does not, or is another person's. A key that
    /// reaches another agent is refused.
    async fn find_channel(
        &self,
        caller: impl Into<Caller>,
        id: AgentId,
        also: &[Key],
    ) -> Result<(Option<Channel>, Items), Error> {
        let (caller, mut wanted) = (caller.into(), vec![keys::agent(id)]);
        wanted.extend_from_slice(also);
        let (by_agent, only_agent) = (matches!(caller, Caller::Agent(_)), caller.only_agent());
        let (owner, mut items) = self.admit(caller, &wanted).await?;
        if only_agent.is_some_and(|only| only != id) {
            return Err(Error::NotYourAgent);
        }
        let agent = items.take::<agents::AgentItem>(&wanted[0])?;
        let agent = agent.filter(|agent| agent.owner_id == owner && agent.deleted_at.is_none());
        let channel = agent.map(|agent| {
            cost::record_channel(id, by_agent);
            let avatar = agent.avatar.clone();
            Channel { agent: agent.into(), owner, avatar }
        });
        Ok((channel, items))
    }

    /// A query over the index `owner`: what is `user`'s and sorts under `prefix`, newest first.
    fn query_owned(&self, user: UserId, prefix: &str) -> Query {
        self.table.query_index(keys::OWNER_INDEX, user).starting_with(prefix).descending()
    }

    /// A strongly consistent query over what sorts under `prefix` in one partition.
    fn query_partition(&self, pk: String, prefix: &str) -> Query {
        self.table.query(pk).starting_with(prefix)
    }
}

/// Runs a read while the caller is checked, and gives both only if the check passes. A refusal does
/// not wait for the read, so that its delay does not show how much is stored under another person's id.
async fn join_authorized<C, R>(
    check: impl Future<Output = Result<C, Error>>,
    read: impl Future<Output = Result<R, Error>>,
) -> Result<(C, R), Error> {
    // Boxed: the SDK's futures are large, and a caller that reads several items holds several.
    match select(Box::pin(check), Box::pin(read)).await {
        Either::Left((checked, read)) => Ok((checked?, read.await?)),
        Either::Right((read, check)) => Ok((check.await?, read?)),
    }
}

/// What a query finds and `listed` takes, in order, as far as it fits one response as JSON.
async fn collect_for_response<I: DeserializeOwned, T: Serialize>(
    query: Query,
    mut listed: impl FnMut(I) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let weigh = |item| {
        let Some(thing) = listed(item) else { return Ok(None) };
        let weight = serde_json::to_vec(&thing).map_err(Error::internal)?.len();
        Ok(Some((thing, weight)))
    };
    query.collect_within_budget(MAX_PAGE_BYTES, weigh).await
}
