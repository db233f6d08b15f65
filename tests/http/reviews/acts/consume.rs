//! `POST /api/v1/reviews/{id}/consume`: exactly once

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

use super::{ask, payment};
use crate::reviews::races::race_count;

/// Callers of one approval.
const CALLERS: usize = 32;

async fn consume(agent: &Agent, id: &str, digest: &Value) -> Reply {
    agent.post(&format!("/api/v1/reviews/{id}/consume"), json!({ "actionDigest": digest })).await
}

async fn consume_with_key(agent: &Agent, id: &str, digest: &Value, key: &str) -> Reply {
    let request = agent.request(Method::POST, &format!("/api/v1/reviews/{id}/consume?channel={}", agent.channel));
    Reply::fetch(request.header("Idempotency-Key", key).json(&json!({ "actionDigest": digest }))).await
}

/// An approved payment: its message's id, and the digest of what was approved.
async fn approved(person: &Person, agent: &Agent) -> (String, Value) {
    let id = ask(agent, payment()).await;
    let edited = json!({ "amount": 5, "to": "Ada", "note": null });
    let answer = json!({ "selectedOption": "approve", "editedArgs": edited });
    let review = person.answer(&id, answer).await.expect(201)["review"].clone();
    (id, review["decision"]["actionDigest"].clone())
}

#[tokio::test]
async fn an_approval_is_consumed_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, digest) = approved(&person, &agent).await;
    let asked = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"].clone();
    consume(&agent, &id, &asked["actionDigest"]).await.expect_error(409, "digest_mismatch");
    consume(&agent, &id, &json!("")).await.expect_error(409, "digest_mismatch");
    let consumed = consume(&agent, &id, &digest).await.expect(200);
    assert_eq!(consumed["consumed"], true);
    let refused = consume(&agent, &id, &digest).await.expect_error(409, "already_consumed");
    assert_eq!(refused["consumedAt"], consumed["consumedAt"]);
    // The digest is checked first.
    let other = consume(&agent, &id, &asked["actionDigest"]).await.expect_error(409, "digest_mismatch");
    assert_eq!(other.get("consumedAt"), None);
    let kept = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"].clone();
    assert_eq!(kept, asked, "what was decided stays as it was");
}

#[tokio::test]
async fn a_history_says_when_an_approval_was_consumed() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, digest) = approved(&person, &agent).await;
    let history = async || agent.get(&format!("/api/v1/messages/{id}/history")).await.expect(200)["entries"].clone();
    assert_eq!(history().await.as_array().unwrap().last().unwrap()["event"], "decided");
    let consumed_at = consume(&agent, &id, &digest).await.expect(200)["consumedAt"].clone();
    // It is kept when the message is deleted, after which nothing is left to consume.
    for _ in 0..2 {
        let entries = history().await;
        let last = entries.as_array().unwrap().last().unwrap();
        assert_eq!((&last["event"], &last["at"]), (&json!("consumed"), &consumed_at));
        assert_eq!((&last["actorType"], &last["actorId"]), (&json!("agent"), &json!(agent.channel)));
        agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await;
    }
    consume(&agent, &id, &digest).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_repeat_with_the_same_key_and_digest_is_the_same_call() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, digest) = approved(&person, &agent).await;
    let first = consume_with_key(&agent, &id, &digest, "run-1").await.expect(200);
    assert_eq!(consume_with_key(&agent, &id, &digest, "run-1").await.expect(200), first);
    consume_with_key(&agent, &id, &json!("sha256:other"), "run-1").await.expect_error(409, "digest_mismatch");
    consume_with_key(&agent, &id, &digest, "run-2").await.expect_error(409, "already_consumed");
    consume(&agent, &id, &digest).await.expect_error(409, "already_consumed");
}

#[tokio::test]
async fn what_was_not_allowed_is_not_consumed() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let digest_of = async |id: &str| {
        agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["actionDigest"].clone()
    };
    let pending = ask(&agent, payment()).await;
    let denied = ask(&agent, payment()).await;
    person.answer(&denied, json!({ "selectedOption": "reject" })).await.expect(201);
    let cancelled = ask(&agent, payment()).await;
    agent.post(&format!("/api/v1/reviews/{cancelled}/cancel"), json!({})).await.expect(200);
    for id in [&pending, &denied, &cancelled] {
        consume(&agent, id, &digest_of(id).await).await.expect_error(409, "not_allowed");
        consume(&agent, id, &json!("sha256:other")).await.expect_error(409, "not_allowed");
    }
    let without = agent.request_approval().await;
    person.answer(&without, json!({ "selectedOption": "approve" })).await.expect(201);
    consume(&agent, &without, &Value::from("sha256:x")).await.expect_error(409, "not_allowed");
    let message = agent.create_message(json!({ "text": "no review" })).await;
    consume(&agent, &message, &json!("sha256:x")).await.expect_error(404, "not_found");
    let path = format!("/api/v1/reviews/{pending}/consume");
    assert_eq!(agent.post(&path, json!({})).await.expect_invalid(), ["actionDigest"]);
}

#[tokio::test]
async fn an_expired_approval_is_not_consumed() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = ask(&agent, payment()).await;
    let digest =
        agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["actionDigest"].clone();
    world.advance_clock(Duration::from_secs(25 * 3600));
    consume(&agent, &id, &digest).await.expect_error(409, "not_allowed");
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect_error(403, "review_expired");
    consume(&agent, &id, &digest).await.expect_error(409, "not_allowed");
}

#[tokio::test]
async fn another_persons_approval_is_out_of_reach() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, digest) = approved(&person, &agent).await;
    let stranger = world.person().await.agent().await;
    // As for a read: a channel that does not exist and another person's channel get the same answer.
    let read = stranger.get(&format!("/api/v1/reviews/{id}")).await;
    read.expect_error(403, "not_your_agent");
    consume(&stranger, &id, &digest).await.expect_error(403, "not_your_agent");
    let foreign = consume_with_key(&stranger.with_channel(&agent.channel), &id, &digest, "k").await;
    foreign.expect_error(403, "not_your_agent");
    // A channel of the caller's own that is not the message's.
    let elsewhere = agent.with_channel(&person.agent().await.channel);
    consume_with_key(&elsewhere, &id, &digest, "k").await.expect_error(404, "not_found");
    consume(&agent.with_key("hp_nobody"), &id, &digest).await.expect_error(401, "unauthorized");
    consume(&agent, &id, &digest).await.expect(200);
}

#[tokio::test]
async fn consuming_costs_a_read_and_a_write() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, digest) = approved(&person, &agent).await;
    assert_eq!(consume(&agent, &id, &digest).await.calls_and_round_trips(), (2, 2));
    let refused = consume(&agent, &id, &digest).await;
    assert_eq!((refused.status, refused.cost().calls), (409, 1));
}

#[allow(clippy::print_stdout, reason = "the counts are for the developer")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_32_callers_at_once_exactly_one_consumes() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let other = agent.at(&world.second_instance().await);
    let began = std::time::Instant::now();
    let rounds = race_count(&world);
    for round in 0..rounds {
        let (id, digest) = approved(&person, &agent).await;
        // Every fourth round all callers repeat one call.
        let repeats = round % 4 == 3;
        let calls = (0..CALLERS).map(|caller| {
            let key = if repeats { "same".to_owned() } else { format!("caller-{caller}") };
            let (id, digest, agent) = (&id, &digest, if caller % 2 == 0 { &agent } else { &other });
            async move {
                match caller % 3 {
                    0 if !repeats => consume(agent, id, digest).await,
                    _ => consume_with_key(agent, id, digest, &key).await,
                }
            }
        });
        let replies = join_all(calls).await;
        let consumed: Vec<Value> =
            replies.iter().filter(|it| it.status == 200).map(|it| it.json()["consumedAt"].clone()).collect();
        assert_eq!(consumed.len(), if repeats { CALLERS } else { 1 }, "round {round}");
        assert!(consumed.iter().all(|at| *at == consumed[0]), "{consumed:?}");
        for reply in replies.iter().filter(|it| it.status != 200) {
            assert_eq!(reply.expect_error(409, "already_consumed")["consumedAt"], consumed[0]);
        }
    }
    println!("{rounds} races of {CALLERS} callers in {:?}", began.elapsed());
}
