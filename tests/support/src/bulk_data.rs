//! Channels with many messages, written past the service, and the cost of calls on them.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use dynoxide::{AttributeValue as Embedded, ImportOptions};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::json;
use shared::clock::Timestamp;
use shared::ids::{AgentId, MessageId};
use shared::storage::keys::{self, Key};

use crate::actors::{Agent, Person};
use crate::reply::{Cost, Reply};
use crate::world::World;

/// The largest batch of BatchWriteItem.
const BATCH_SIZE: usize = 25;
/// Attempts at a batch before the test fails.
const MAX_ATTEMPTS: usize = 20;

type Item = HashMap<String, AttributeValue>;

/// Fills the agent's channel with `count` copies of messages that were sent: three plain ones, then one
/// whose review is answered.
pub async fn fill_channel(world: &World, person: &Person, agent: &Agent, count: usize) {
    let plain = agent.create_message(json!({ "text": "One of very many." })).await;
    let answered = agent.request_approval().await;
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    copy_messages(world, &[&plain, &plain, &plain, &answered], count).await;
}

/// Writes `count` copies of messages in one channel, in turn; returns their ids. The newest is one
/// millisecond older than the first original, and each further one a millisecond older than the last,
/// so that the newest page is equal in channels of any size.
pub async fn copy_messages(world: &World, ids: &[&str], count: usize) -> Vec<String> {
    let templates = join_all(ids.iter().map(|id| load_message(world, id))).await;
    let (channel, newest) = (templates[0].1.channel(), templates[0].1.ulid().timestamp_ms() as i64 - 1);
    let new = |n| MessageId::new(channel, Timestamp::from_millis(newest - n as i64));
    let ids: Vec<MessageId> = (0..count).map(new).collect();
    let copies: Vec<Item> = ids.iter().zip(templates.iter().cycle()).map(|(id, it)| copy(it, *id)).collect();
    write_all(world, copies).await;
    ids.iter().map(MessageId::to_string).collect()
}

/// Gives the agent's owner `count` more channels, as copies of the agent's item.
pub async fn copy_channels(world: &World, agent: &Agent, count: usize) {
    let id: AgentId = agent.channel.parse().expect("an id");
    let item = load_item(world, keys::agent(id)).await;
    let newest = id.ulid().timestamp_ms() as i64 - 1;
    let new = |n| AgentId::new(Timestamp::from_millis(newest - n as i64)).ulid().to_string();
    let was = id.ulid().to_string();
    write_all(world, (0..count).map(|n| replace_id(&item, &was, &new(n))).collect()).await;
}

/// Writes past the service: into the embedded engine's file, or through the SDK.
async fn write_all(world: &World, copies: Vec<Item>) {
    let table = world.table.clone();
    match world.database() {
        Some(path) => tokio::task::spawn_blocking(move || import(&path, &table, copies)).await.expect("it ends"),
        None => write_batches(world, copies).await,
    }
}

/// Writes into the embedded engine's file in one transaction. Through the unoptimised engine's API,
/// this many items would take minutes.
fn import(path: &Path, table: &str, copies: Vec<Item>) {
    let database = dynoxide::Database::new(path.to_str().expect("a path")).expect("the engine's file");
    let items = copies.into_iter().map(|item| item.into_iter().map(|(name, it)| (name, embedded(it))).collect());
    database.import_items(table, items.collect(), ImportOptions::default()).expect("the copies are imported");
}

fn embedded(value: AttributeValue) -> Embedded {
    match value {
        AttributeValue::S(text) => Embedded::S(text),
        AttributeValue::N(number) => Embedded::N(number),
        AttributeValue::Bool(is) => Embedded::BOOL(is),
        AttributeValue::L(list) => Embedded::L(list.into_iter().map(embedded).collect()),
        AttributeValue::M(map) => Embedded::M(map.into_iter().map(|(name, it)| (name, embedded(it))).collect()),
        other => panic!("messages have no {other:?}"),
    }
}

/// Writes through the SDK to an emulator.
async fn write_batches(world: &World, copies: Vec<Item>) {
    let put = |item| PutRequest::builder().set_item(Some(item)).build().expect("an item");
    let requests: Vec<WriteRequest> =
        copies.into_iter().map(|item| WriteRequest::builder().put_request(put(item)).build()).collect();
    let batches = requests.chunks(BATCH_SIZE).map(<[WriteRequest]>::to_vec);
    let written = stream::iter(batches).map(|batch| write_batch(world, batch)).buffer_unordered(4);
    written.collect::<()>().await;
}

async fn load_message(world: &World, id: &str) -> (Item, MessageId) {
    let id: MessageId = id.parse().expect("an id");
    (load_item(world, keys::message(id)).await, id)
}

async fn load_item(world: &World, key: Key) -> Item {
    let get = world.clients.dynamodb.get_item().table_name(&world.table).set_key(Some(key.attributes()));
    get.send().await.expect("storage works").item.expect("what was stored")
}

/// The item with another id, which occurs in its key, its `id` and its index keys.
fn copy((item, old): &(Item, MessageId), new: MessageId) -> Item {
    replace_id(item, &old.ulid().to_string(), &new.ulid().to_string())
}

fn replace_id(item: &Item, was: &str, is: &str) -> Item {
    let replaced = item.iter().map(|(name, value)| match value {
        AttributeValue::S(text) => (name.clone(), AttributeValue::S(text.replace(was, is))),
        other => (name.clone(), other.clone()),
    });
    replaced.collect()
}

async fn write_batch(world: &World, batch: Vec<WriteRequest>) {
    let mut left = Some(batch);
    for _ in 0..MAX_ATTEMPTS {
        let Some(batch) = left.filter(|batch| !batch.is_empty()) else { return };
        let request = world.clients.dynamodb.batch_write_item().request_items(&world.table, batch.clone());
        // A batch that timed out on a loaded emulator is written again, which changes nothing.
        left = match request.send().await {
            Ok(output) => output.unprocessed_items.and_then(|mut items| items.remove(&world.table)),
            Err(SdkError::TimeoutError(_)) => Some(batch),
            Err(err) => panic!("storage does not work: {err:?}"),
        };
    }
    panic!("BatchWriteItem still leaves items unprocessed");
}

/// A call's name, cost and time.
pub type CallMeasurement = (&'static str, Cost, Duration);

/// A call's name and path.
pub type NamedCall = (&'static str, String);

/// Measures the everyday calls on this channel. The wait that times out is held for `WAIT_MS`.
pub async fn measure(person: &Person, agent: &Agent) -> Vec<CallMeasurement> {
    let mut measured = vec![];
    for call in everyday_calls(person, agent).await {
        measured.push(measure_call(agent, &call).await);
    }
    measured
}

/// Everyday calls on this channel, which do not change it.
pub async fn everyday_calls(person: &Person, agent: &Agent) -> Vec<NamedCall> {
    let decided = agent.request_approval().await;
    person.answer(&decided, json!({ "selectedOption": "approve" })).await.expect(201);
    let pending = agent.request_approval().await;
    vec![
        ("list, 50 newest", "/api/v1/messages".to_owned()),
        ("search, 50 found", "/api/v1/messages?search=VERY".to_owned()),
        ("get one", format!("/api/v1/messages/{pending}")),
        ("pending, 1 of them", "/api/v1/reviews/pending".to_owned()),
        ("wait for a decided one", format!("/api/v1/reviews/{decided}/wait?timeout=29000")),
        ("wait, 1 s, then timeout", format!("/api/v1/reviews/{pending}/wait?timeout={WAIT_MS}")),
    ]
}

/// Makes one call; returns its cost and time.
pub async fn measure_call(agent: &Agent, (name, path): &NamedCall) -> CallMeasurement {
    let began = Instant::now();
    let reply: Reply = agent.get_in_channel(path).await;
    reply.expect(200);
    (name, reply.cost(), began.elapsed())
}

/// Asserts that the same calls cost the same DynamoDB calls and units on two channels. The number of
/// polls of a wait is jittered; the cost of each poll is not.
#[track_caller]
pub fn assert_same_cost(one: &[CallMeasurement], other: &[CallMeasurement]) {
    assert_eq!(one.len(), other.len());
    for ((name, one, _), (_, other, _)) in one.iter().zip(other) {
        if name.ends_with("timeout") {
            assert_wait_cost(one);
            assert_wait_cost(other);
        } else {
            assert_eq!(one, other, "{name}");
        }
    }
}

/// Asserts the cost of a wait: one BatchGetItem of four keys, and a look of half a unit each 100 to 110 ms.
#[track_caller]
fn assert_wait_cost(cost: &Cost) {
    let max_calls = 1 + WAIT_MS / 100;
    assert!((2..=max_calls).contains(&cost.calls) && cost.round_trips == cost.calls, "{cost:?}");
    let polls = 0.5 * f64::from(cost.calls - 1);
    // A key without an item costs a unit, but not on every emulator.
    assert!([3.0, 4.0].map(|first| first + polls).contains(&cost.units()), "{cost:?}");
}

/// How long the wait that times out is held.
pub const WAIT_MS: u32 = 1000;
