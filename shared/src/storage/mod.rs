//! The table and the bucket.
//!
//! - [`keys`]: every key, and so the table's documentation
//! - [`schema`]: the table's one definition
//! - [`Store`]: the door ([`Store::admit`], [`Store::open`]); its access patterns are beside the
//!   entities: `agents` (with `agent_update`, `ping`, `webhook`, `avatar`, `stats`), `messages`,
//!   `reviews` (with `review_lists`), `files` (with `file_making`, `presign`, `file_list`,
//!   `file_removal`), `accounts` (with `passwords`, `sessions`, `tries`, `api_keys`, `users`,
//!   `user_removal`, `preferences`, `visit`), `request_log`, `plugins`, `instance` (of the local runner),
//!   `outbox` (what happened, as the stream tells it), `deliveries`, `changes` (that somebody's
//!   inbox shows something else than before)
//! - [`Blobs`]: the bucket; `zip`: archives of many files
//! - `removal`: an agent's end, with everything under it; `leftovers`: objects that are to go
//! - `expiry`: what is due
//! - `calls`: what an `Idempotency-Key` made
//! - `paging`: lists with a cursor, page by page
//! - `size`: what an item weighs against DynamoDB's 400 KB
//!
//! Whose data it is comes first in every function: a caller that is verified in the same call,
//! or a [`Channel`] or user id that such a call gave out.

mod accounts;
mod agent_update;
mod agents;
mod api_keys;
mod avatar;
mod blobs;
mod calls;
mod changes;
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
mod paging;
mod passwords;
mod ping;
mod plugins;
mod preferences;
mod presign;
mod removal;
mod request_log;
mod review_lists;
mod reviews;
pub mod schema;
mod sessions;
mod size;
mod stats;
mod tries;
mod updating;
mod user_removal;
mod users;
mod visit;
mod webhook;
mod writing;
mod zip;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_smithy_types::error::display::DisplayErrorContext;
use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::aws::{Clients, Endpoints, Lazy as Later};
pub use agents::AgentOpening;
pub use avatar::Avatar;
pub use blobs::{Blobs, Stored};
pub use calls::CallOf;
pub use changes::shown_to;
pub use deliveries::{Claim, Delivery, Outcome as DeliveryOutcome};
pub use expiry::DuePage;
pub use files::Placed;
pub use instance::Instance;
pub use messages::{Begun, Change, Draft, Once, Opening, PageRequest, Refers};
pub use outbox::{Image, Occurrence, message_of};
pub use paging::Page;
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
use keys::Key;

/// How many keys one BatchGetItem takes.
const MAX_KEYS: usize = 100;
/// How many of those the check of a caller takes.
const KEYS_OF_CHECK: usize = 2;

type Item = HashMap<String, AttributeValue>;

/// The table.
#[derive(Clone)]
pub struct Store {
    db: aws_sdk_dynamodb::Client,
    table: Arc<str>,
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

/// What one BatchGetItem found.
#[derive(Debug, Default)]
pub struct Items(HashMap<Key, Item>);

impl Items {
    fn take<T: DeserializeOwned>(&mut self, key: &Key) -> Result<Option<T>, Error> {
        self.0.remove(key).map(read).transpose()
    }

    /// Like [`Items::take`], and leaves it for whoever wants it next.
    fn look<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Error> {
        self.0.get(key).cloned().map(read).transpose()
    }
}

impl Store {
    pub fn new(db: aws_sdk_dynamodb::Client, table: &str, blobs: Blobs, clock: Clock) -> Self {
        let (tallies, limits) = (stats::Tallies::default(), Limits::default());
        Self { db, table: table.into(), blobs, clock, tallies, limits }
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
            Caller::Agent(agent) => Key::api_key(&agent.0.hashed),
            Caller::Human(human) => Key::session(&human.0.hashed),
        };
        let removal = Key::user_removal(caller.claimed());
        let mut wanted = vec![credential.clone(), removal.clone()];
        wanted.extend_from_slice(also);
        let mut items = self.get_all(wanted).await?;
        let user = match caller {
            Caller::Agent(agent) => self.verify_api_key(&agent.0, items.take(&credential)?)?,
            Caller::Human(human) => self.verify_session(&human.0, items.take(&credential)?)?,
        };
        if items.0.contains_key(&removal) {
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
        let (caller, mut wanted) = (caller.into(), vec![Key::agent(id)]);
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

    /// Strongly consistent reads of up to 100 items in one call (more only when DynamoDB leaves
    /// some unprocessed).
    async fn get_all(&self, mut wanted: Vec<Key>) -> Result<Items, Error> {
        const TRIES: u32 = 5;
        wanted.sort();
        wanted.dedup();
        let mut keys: Vec<Item> = wanted.iter().map(Key::attributes).collect();
        let mut found = Items::default();
        for again in 0..TRIES {
            let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let request = self.db.batch_get_item().request_items(&*self.table, asked.map_err(Error::internal)?);
            let output = request.send().await.map_err(trouble)?;
            for item in output.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                if let Some(key) = Key::of(&item) {
                    found.0.insert(key, item);
                }
            }
            let left = output.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
            keys = left.flat_map(|left| left.keys).collect();
            if keys.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(backoff(again)).await;
        }
        Err(Error::unavailable("BatchGetItem kept leaving keys unprocessed"))
    }

    /// Puts an item whose id was just made. When the SDK sends it twice, with the first reply
    /// lost, the second must not overwrite what has become of the item meanwhile: that it is
    /// there already means that it was written.
    async fn put_new(&self, item: Item) -> Result<(), Error> {
        let put = self.db.put_item().table_name(&*self.table).set_item(Some(item));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Err(err) if !err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => {
                Err(trouble(err))
            }
            _ => Ok(()),
        }
    }

    fn query(&self) -> QueryFluentBuilder {
        self.db.query().table_name(&*self.table)
    }

    /// A query over the index `owner`: what is `user`'s and sorts under `prefix`, newest first.
    fn query_owned(&self, user: UserId, prefix: &str) -> QueryFluentBuilder {
        self.query()
            .index_name(keys::OWNER_INDEX)
            .key_condition_expression("#owner = :owner AND begins_with(#sort, :prefix)")
            .expression_attribute_names("#owner", keys::OWNER_ID)
            .expression_attribute_names("#sort", keys::OWNER_SORT)
            .expression_attribute_values(":owner", AttributeValue::S(user.to_string()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .scan_index_forward(false)
    }

    /// The same for what sorts from `first` to `last`, both included.
    fn query_owned_between(&self, user: UserId, [first, last]: [String; 2]) -> QueryFluentBuilder {
        self.query()
            .index_name(keys::OWNER_INDEX)
            .key_condition_expression("#owner = :owner AND #sort BETWEEN :first AND :last")
            .expression_attribute_names("#owner", keys::OWNER_ID)
            .expression_attribute_names("#sort", keys::OWNER_SORT)
            .expression_attribute_values(":owner", text(user))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .scan_index_forward(false)
    }

    /// A strongly consistent query over one partition, newest first.
    fn query_partition(&self, pk: String, prefix: &str) -> QueryFluentBuilder {
        self.query()
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(pk))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
    }
}

/// Reads beside the check of the caller, and gives both only if the check passes. A refusal does
/// not wait for the read: how much is behind somebody else's id shows in no delay.
async fn beside<C, R>(
    check: impl Future<Output = Result<C, Error>>,
    read: impl Future<Output = Result<R, Error>>,
) -> Result<(C, R), Error> {
    // Boxed: the SDK's futures are large, and whoever reads several things at once holds several.
    match select(Box::pin(check), Box::pin(read)).await {
        Either::Left((checked, read)) => Ok((checked?, read.await?)),
        Either::Right((read, check)) => Ok((check.await?, read?)),
    }
}

/// What a query finds and `shown` takes, in its order, as far as it fits one response.
async fn as_many_as_fit<I: DeserializeOwned, T: Serialize>(
    query: QueryFluentBuilder,
    mut shown: impl FnMut(I) -> Option<T>,
) -> Result<Vec<T>, Error> {
    as_many_as_weigh(query, |item| {
        let Some(thing) = shown(item) else { return Ok(None) };
        let weight = serde_json::to_vec(&thing).map_err(Error::internal)?.len();
        Ok(Some((thing, weight)))
    })
    .await
}

/// The same where the caller knows what each of them takes of a response.
async fn as_many_as_weigh<I: DeserializeOwned, T>(
    query: QueryFluentBuilder,
    mut weighed: impl FnMut(I) -> Result<Option<(T, usize)>, Error>,
) -> Result<Vec<T>, Error> {
    let (mut fitting, mut room, mut failed) = (vec![], messages::RESPONSE_BUDGET, None);
    each_of(query, usize::MAX, |item| match weighed(item) {
        Ok(None) => true,
        Ok(Some((thing, weight))) if weight <= room => {
            room -= weight;
            fitting.push(thing);
            true
        }
        Ok(Some(_)) => false,
        Err(err) => {
            failed = Some(err);
            false
        }
    })
    .await?;
    failed.map_or(Ok(fitting), Err)
}

/// Reads a query page by page, at most `reads` of them, for as long as each item is told to be
/// worth going on.
async fn each_of<T: DeserializeOwned>(
    query: QueryFluentBuilder,
    reads: usize,
    mut go_on: impl FnMut(T) -> bool,
) -> Result<(), Error> {
    let mut from = None;
    for _ in 0..reads {
        let page = query.clone().set_exclusive_start_key(from).send().await.map_err(trouble)?;
        for item in page.items.unwrap_or_default() {
            if !go_on(read(item)?) {
                return Ok(());
            }
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(())
}

/// Reads a query to the end of its pages.
async fn all_of<T: DeserializeOwned>(query: QueryFluentBuilder) -> Result<Vec<T>, Error> {
    let (mut read_so_far, mut from) = (vec![], None);
    loop {
        let page = query.clone().set_exclusive_start_key(from).send().await.map_err(trouble)?;
        for item in page.items.unwrap_or_default() {
            read_so_far.push(read(item)?);
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(read_so_far);
        }
    }
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|err| Error::internal(format!("an item cannot be read: {err}")))
}

fn written(item: &impl Serialize) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|err| Error::internal(format!("an item cannot be written: {err}")))
}

fn attribute(value: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(value).map_err(|err| Error::internal(format!("a value cannot be written: {err}")))
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A pause that doubles from 20 ms, jittered to between half and the whole of it.
fn backoff(again: u32) -> Duration {
    let whole = 20_000_u64 << again.min(6);
    let jitter = u64::from_le_bytes(crate::secrets::random()) % (whole / 2);
    Duration::from_micros(whole / 2 + jitter)
}

/// What a failed call means: storage is in trouble (503), unless DynamoDB or S3 says that we
/// asked for something impossible (500).
/// The code of a write that makes a collection of items too large.
const TOO_MUCH: &str = "ItemCollectionSizeLimitExceededException";

fn trouble<E>(err: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let ours =
        matches!(err.code(), Some("ValidationException" | "SerializationException" | "InvalidArgument" | TOO_MUCH));
    let cause = DisplayErrorContext(&err).to_string();
    if ours { Error::internal(cause) } else { Error::unavailable(cause) }
}
