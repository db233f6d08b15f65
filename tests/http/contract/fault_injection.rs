//! Storage that throttles, fails, drops connections or responds late: each response matches what is
//! stored or is a 503 that is safe to retry, and nothing is half-written.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::fault_injection::FaultyService;
use test_support::{Agent, Item, Person, Reply, World};

const CALLERS: usize = 60;
/// One in `ONE_IN` storage requests meets a fault.
const ONE_IN: usize = 4;

/// How often callers received each status.
type StatusCounts = BTreeMap<u16, usize>;

/// Retries while the status is 503; counts every status and returns the last reply.
async fn retry_while_503<F: Future<Output = Reply>>(statuses: &mut StatusCounts, call: impl Fn() -> F) -> Reply {
    for _ in 0..50 {
        let reply = call().await;
        *statuses.entry(reply.status).or_default() += 1;
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.header("retry-after").parse::<u32>().is_ok(), "a 503 has Retry-After");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still 503 after 50 attempts");
}

/// Sends, answers, uploads and deletes as one caller; returns the statuses it received.
async fn run_caller(agent: &Agent, person: &Person, number: usize) -> StatusCounts {
    let mut statuses = StatusCounts::default();
    let message = json!({ "text": "?", "clientId": format!("c{number}"), "review": { "type": "freeform" },
        "textAttachments": [{ "content": "a plan" }] });
    let sent = retry_while_503(&mut statuses, || agent.send(message.clone())).await.expect(201);
    let id = sent["id"].as_str().unwrap();
    if number.is_multiple_of(5) {
        let path = format!("/api/v1/messages/{id}");
        let deleted = retry_while_503(&mut statuses, || agent.delete_in_channel(&path)).await;
        // When the first response was lost, the retry finds the message deleted.
        assert!([200, 404].contains(&deleted.status), "{}", deleted.text());
        return statuses;
    }
    let answered = retry_while_503(&mut statuses, || person.answer(id, json!({ "number": number }))).await;
    // 403 is right only for a retry of an answer that was stored despite its 503.
    assert!([201, 403].contains(&answered.status), "{}", answered.text());
    assert!(answered.status == 201 || statuses.contains_key(&503), "refused without a retry: {}", answered.text());
    let uploaded =
        retry_while_503(&mut statuses, || agent.upload("store", "a", "text/plain", "bytes")).await.expect(201);
    assert_eq!(uploaded["filename"], "a");
    statuses
}

async fn channel_items(world: &World, agent: &Agent) -> Vec<Item> {
    world.items(keys::channel_partition(agent.channel.parse().unwrap()), "").await
}

fn items_with_prefix<'a>(items: &'a [Item], prefix: &str) -> Vec<&'a Item> {
    items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with(prefix)).collect()
}

/// Asserts the invariants of the table.
fn check_table(items: &[Item], deleted: usize) {
    let messages = items_with_prefix(items, "MESSAGE#");
    assert_eq!(messages.len(), CALLERS - deleted, "each caller has one message");
    let ids: Vec<_> = messages.iter().map(|item| item["id"].clone()).collect();
    let mut referenced: Vec<_> =
        items_with_prefix(items, "CLIENT#").iter().map(|item| item["messageId"].clone()).collect();
    assert_eq!(referenced.len(), messages.len(), "each message has its idempotency record");
    referenced.retain(|id| !ids.contains(id));
    assert!(referenced.is_empty(), "records without a message: {referenced:?}");
    for message in &messages {
        let review = message["review"].as_m().unwrap();
        assert_eq!(review["status"], AttributeValue::S("completed".to_owned()));
        assert!(
            review.contains_key("response") && message["dueShard"].as_s().unwrap().starts_with("DECIDED#"),
            "{message:?}"
        );
        for file in message["attachments"].as_l().unwrap() {
            let id = &file.as_m().unwrap()["id"];
            let item = items_with_prefix(items, "FILE#").into_iter().find(|item| &item["id"] == id);
            assert_eq!(item.expect("the attachment exists")["messageId"], message["id"]);
        }
    }
    for file in items_with_prefix(items, "FILE#") {
        let holder = file.get("messageId");
        assert!(holder.is_none_or(|holder| ids.contains(holder)), "a file refers to a missing message: {file:?}");
        assert_eq!(holder.is_none(), file.contains_key("dueSort"), "{file:?}");
    }
}

#[allow(clippy::print_stdout, reason = "the counts are for the developer")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_storage_faults_responses_match_what_is_stored_and_503_can_be_retried() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let faulty = FaultyService::serve(&world, ONE_IN).await;
    let (faulty_agent, faulty_person) = (Agent::new(&faulty.url, &agent.key, &agent.channel), person.at(&faulty.url));
    faulty.inject_random_faults(true);
    let callers = (0..CALLERS).map(|number| run_caller(&faulty_agent, &faulty_person, number));
    let statuses: Vec<StatusCounts> = stream::iter(callers).buffer_unordered(12).collect().await;
    faulty.inject_random_faults(false);
    let mut sum = StatusCounts::default();
    statuses.iter().flatten().for_each(|(status, count)| *sum.entry(*status).or_default() += count);
    println!(
        "faults: DynamoDB {:?}, S3 {:?}; statuses {sum:?}",
        faulty.dynamodb.fault_counts(),
        faulty.s3.fault_counts()
    );
    assert!(sum.keys().all(|status| [200, 201, 403, 404, 503].contains(status)), "{sum:?}");
    assert!(faulty.dynamodb.fault_counts().len() == 5, "every kind of fault occurred");

    check_table(&channel_items(&world, &agent).await, CALLERS.div_ceil(5));
    let listed = agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200);
    let all: &Vec<Value> = listed["data"].as_array().unwrap();
    assert!(all.iter().all(|message| message["attachments"][0]["textContent"] == "a plan"));
}
