//! Storage that throttles, fails, breaks off and dawdles: callers are told what is stored, or
//! 503, which is safe to repeat; nothing is half-written.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::fault_injection::FaultyService;
use test_support::{Agent, Person, Reply, World};

const CALLERS: usize = 60;
/// One in so many of the storage's requests meets a fault.
const ONE_IN: usize = 4;

/// How callers fared: how often each status was told.
type Told = BTreeMap<u16, usize>;

/// Calls until it is neither 503 nor 500; gives the last answer, and counts all of them.
async fn repeated<F: Future<Output = Reply>>(told: &mut Told, call: impl Fn() -> F) -> Reply {
    for _ in 0..50 {
        let reply = call().await;
        *told.entry(reply.status).or_default() += 1;
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.header("retry-after").parse::<u32>().is_ok(), "a 503 says when to come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still 503 after 50 tries");
}

/// One caller's story; what was told on the way.
async fn story(agent: &Agent, person: &Person, number: usize) -> Told {
    let mut told = Told::default();
    let message = json!({ "text": "?", "clientId": format!("c{number}"), "review": { "type": "freeform" },
        "textAttachments": [{ "content": "a plan" }] });
    let sent = repeated(&mut told, || agent.send(message.clone())).await.expect(201);
    let id = sent["id"].as_str().unwrap();
    if number.is_multiple_of(5) {
        let path = format!("/api/v1/messages/{id}");
        let deleted = repeated(&mut told, || agent.delete_in_channel(&path)).await;
        // A repeat after an answer that was lost finds nothing any more.
        assert!([200, 404].contains(&deleted.status), "{}", deleted.text());
        return told;
    }
    let answered = repeated(&mut told, || person.answer(id, json!({ "number": number }))).await;
    // 403 is right only for a repeat of what had been stored with a 503.
    assert!([201, 403].contains(&answered.status), "{}", answered.text());
    assert!(answered.status == 201 || told.contains_key(&503), "refused without a repeat: {}", answered.text());
    let uploaded = repeated(&mut told, || agent.upload("store", "a", "text/plain", "bytes")).await.expect(201);
    assert_eq!(uploaded["filename"], "a");
    told
}

type Item = HashMap<String, AttributeValue>;

async fn channel(world: &World, agent: &Agent) -> Vec<Item> {
    let channel = keys::channel_partition(agent.channel.parse().unwrap());
    let query = world.clients.dynamodb.query().table_name(&world.table).consistent_read(true);
    let query = query.key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", AttributeValue::S(channel));
    query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap()
}

fn with<'a>(items: &'a [Item], prefix: &str) -> Vec<&'a Item> {
    items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with(prefix)).collect()
}

/// What must hold in the table whatever happened.
fn check_table(items: &[Item], deleted: usize) {
    let messages = with(items, "MESSAGE#");
    assert_eq!(messages.len(), CALLERS - deleted, "each sender has one message");
    let ids: Vec<_> = messages.iter().map(|item| item["id"].clone()).collect();
    let mut named: Vec<_> = with(items, "CLIENT#").iter().map(|item| item["messageId"].clone()).collect();
    assert_eq!(named.len(), messages.len(), "each message has its idempotency record");
    named.retain(|id| !ids.contains(id));
    assert!(named.is_empty(), "a record of no message: {named:?}");
    for message in &messages {
        let review = message["review"].as_m().unwrap();
        assert_eq!(review["status"], AttributeValue::S("completed".to_owned()));
        assert!(review.contains_key("response") && !message.contains_key("dueSort"), "{message:?}");
        for file in message["attachments"].as_l().unwrap() {
            let id = &file.as_m().unwrap()["id"];
            let item = with(items, "FILE#").into_iter().find(|item| &item["id"] == id);
            assert_eq!(item.expect("the attachment is there")["messageId"], message["id"]);
        }
    }
    for file in with(items, "FILE#") {
        let holder = file.get("messageId");
        assert!(holder.is_none_or(|holder| ids.contains(holder)), "a file of no message: {file:?}");
        assert_eq!(holder.is_none(), file.contains_key("dueSort"), "{file:?}");
    }
}

#[allow(clippy::print_stdout, reason = "the figures are what the test is asked for")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_storage_faults_responses_match_what_is_stored_and_503_can_be_retried() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let faulty = FaultyService::serve(&world, ONE_IN).await;
    let (shaky_agent, shaky_person) = (Agent::new(&faulty.url, &agent.key, &agent.channel), person.at(&faulty.url));
    faulty.inject_random_faults(true);
    let stories = (0..CALLERS).map(|number| story(&shaky_agent, &shaky_person, number));
    let told: Vec<Told> = stream::iter(stories).buffer_unordered(12).collect().await;
    faulty.inject_random_faults(false);
    let mut sum = Told::default();
    told.iter().flatten().for_each(|(status, count)| *sum.entry(*status).or_default() += count);
    println!("faults: DynamoDB {:?}, S3 {:?}; told: {sum:?}", faulty.dynamodb.fault_counts(), faulty.s3.fault_counts());
    assert!(sum.keys().all(|status| [200, 201, 403, 404, 503].contains(status)), "{sum:?}");
    assert!(faulty.dynamodb.fault_counts().len() == 5, "every kind of fault struck");

    check_table(&channel(&world, &agent).await, CALLERS.div_ceil(5));
    let listed = agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200);
    let all: &Vec<Value> = listed["data"].as_array().unwrap();
    assert!(all.iter().all(|message| message["attachments"][0]["textContent"] == "a plan"));
}
