//! The table and the bucket.
//!
//! - [`keys`]: every key, and so the table's documentation
//! - [`Store`]: the door ([`Store::admit`], [`Store::open`]); its access patterns are beside the
//!   entities: `agents` (with `ping`, `webhook`, `avatar`, `stats`), `messages`,
//!   `reviews` (with `review_lists`), `files` (with `file_making`, `presign`, `file_list`,
//!   `file_removal`), `accounts` (with `passwords`, `sessions`, `tries`, `api_keys`, `users`,
//!   `user_removal`, `preferences`, `visit`), `request_log`, `plugins`, `instance` (of the local runner),
//!   `outbox` (what happened, as the stream tells it), `deliveries`, `changes` (that somebody's
//!   inbox shows something else than before)
//! - [`Blobs`]: the bucket; `zip`: archives of many files
//! - [`Clients`]: the SDK's clients, made once per process
//! - `removal`: an agent's end, with everything under it; `leftovers`: objects that are to go
//! - `expiry`: what is due
//! - `calls`: what an `Idempotency-Key` made
//! - `size`: the room that a message's item keeps free
//!
//! Reads and writes of the table go through the crate `dynamo`.
//!
//! Whose data it is comes first in every function: a caller that is verified in the same call,
//! or a [`Channel`] or user id that such a call gave out.

mod accounts;
mod agents;
mod api_keys;
mod avatar;
mod blobs;
mod calls;
mod changes;
mod clients;
mod deliveries;
mod expiry;
mod file_list;
mod file_making;
mod file_removal;
mod files;
mod instance;
pub mod keys;
mod leftovers;
mod messages;
mod outbox;
mod passwords;
mod ping;
mod plugins;
mod preferences;
mod presign;
mod removal;
mod request_log;
mod review_lists;
mod reviews;
mod sessions;
mod size;
mod stats;
mod tries;
mod user_removal;
mod users;
mod visit;
mod webhook;
mod zip;

use dynamo::{Items, Key, Query};
use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ulid::Ulid;

pub use dynamo::{Table, schema};

pub use agents::AgentOpening;
pub use avatar::Avatar;
pub use blobs::{Blobs, Stored};
pub use calls::CallOf;
pub use changes::shown_to;
pub use clients::{Clients, Endpoints, Later};
pub use deliveries::{Claim, Delivery, Outcome as DeliveryOutcome};
pub use expiry::DuePage;
pub use files::Placed;
pub use instance::Instance;
pub use messages::{Begun, Change, Draft, Once, Opening, PageRequest, Refers};
pub use outbox::{Image, Occurrence, message_of};
pub use plugins::PluginEnv;
pub use presign::{MAX_ANNOUNCED, UploadTarget};
pub use sessions::NewSession;
pub use stats::Tally;
pub use visit::Visit;
pub use webhook::Webhook;
pub use zip::{ZIP_DISPOSITION, ZIP_TYPE, Zipped};

use crate::auth::Caller;
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::limits::{Limits, turns};
use crate::meter;
use crate::models::Agent;

/// How many keys of one BatchGetItem the check of a caller takes.
const KEYS_OF_CHECK: usize = 2;

/// A page of a list, newest first; the cursor is an id.
pub type Page<T> = dynamo::pagination::Page<T, Ulid>;

/// The table.
#[derive(Clone)]
pub struct Store {
    table: Table,
    /// To see whether the bytes that somebody announced are there.
    blobs: Blobs,
    clock: Clock,
    tallies: stats::Tallies,
    limits: Limits,
}

/// A channel that the caller may use: holding one proves that it was checked.
#[derive(Clone, Debug)]
pub struct Channel {
    pub agent: Agent,
    owner: UserId,
    avatar: Option<avatar::AvatarItem>,
}

impl Channel {
    pub fn id(&self) -> AgentId {
        self.agent.id
    }

    pub fn owner(&self) -> UserId {
        self.owner
    }
}

impl Store {
    pub fn new(table: Table, blobs: Blobs, clock: Clock) -> Self {
        let (tallies, limits) = (stats::Tallies::default(), Limits::default());
        Self { table, blobs, clock, tallies, limits }
    }

    /// The same with these limits.
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// What keeps one caller from stopping the others.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Verifies a caller, and fetches `also` in the same call. Strongly consistent: a key that
    /// was revoked a moment ago is refused, and so is everything of a user whose removal has begun.
    pub async fn admit(&self, caller: impl Into<Caller>, also: &[Key]) -> Result<(UserId, Items), Error> {
        let caller = caller.into();
        let admitted = self.verify(&caller, also).await;
        match &admitted {
            Ok((user, _)) => turns::verified(caller.hashed(), *user).await?,
            Err(Error::NoApiKey | Error::NoSession) => turns::refused(caller.hashed()),
            Err(_) => {}
        }
        admitted
    }

    async fn verify(&self, caller: &Caller, also: &[Key]) -> Result<(UserId, Items), Error> {
        let credential = match caller {
            Caller::Agent(agent) => keys::api_key(&agent.0.hashed),
            Caller::Human(human) => keys::session(&human.0.hashed),
        };
        let removal = keys::user_removal(caller.claimed());
        let mut wanted = vec![credential.clone(), removal.clone()];
        wanted.extend_from_slice(also);
        let mut items = self.table.get_items(wanted).await?;
        let user = match caller {
            Caller::Agent(agent) => self.verify_api_key(&agent.0, items.take(&credential)?)?,
            Caller::Human(human) => self.verify_session(&human.0, items.take(&credential)?)?,
        };
        if items.contains(&removal) {
            return Err(caller.refused());
        }
        meter::for_user(user);
        Ok((user, items))
    }

    /// Verifies that the caller may use `channel`, and fetches `also` in the same call. An agent
    /// that does not exist and another person's are not told apart.
    pub async fn open(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        also: &[Key],
    ) -> Result<(Channel, Items), Error> {
        let Some(id) = channel else {
            return Err(self.admit(caller, &[]).await.err().unwrap_or(Error::NotYourAgent));
        };
        let (caller, mut wanted) = (caller.into(), vec![keys::agent(id)]);
        wanted.extend_from_slice(also);
        let by_agent = matches!(caller, Caller::Agent(_));
        let (owner, mut items) = self.admit(caller, &wanted).await?;
        let agent = items.take::<agents::AgentItem>(&wanted[0])?;
        let agent =
            agent.filter(|agent| agent.owner_id == owner && agent.deleted_at.is_none()).ok_or(Error::NotYourAgent)?;
        meter::for_channel(id, by_agent);
        let avatar = agent.avatar.clone();
        Ok((Channel { agent: agent.into(), owner, avatar }, items))
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
    query.collect_within_budget(messages::RESPONSE_BUDGET, weigh).await
}
