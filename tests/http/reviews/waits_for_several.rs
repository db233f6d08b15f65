//! `GET /api/v1/reviews/wait`: one call for many reviews

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World, bulk_data};

use super::races::{HeadStart, delay, race_count};

async fn wait(agent: &Agent, ids: &[&str], timeout_ms: u32) -> Reply {
    agent.get(&format!("/api/v1/reviews/wait?ids={}&timeout={timeout_ms}", ids.join(","))).await
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|it| it["id"].as_str().or(it.as_str()).unwrap()).collect()
}

#[tokio::test]
async fn a_wait_for_several_says_what_became_of_each() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let (agent, other) = (person.agent().await, person.agent().await);
    let (answered, pending, expired) = (
        agent.request_approval().await,
        other.request_approval().await,
        agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 60 } })).await,
    );
    let (cancelled, plain) = (other.request_approval().await, agent.create_message(json!({ "text": "x" })).await);
    let foreign = stranger.agent().await.request_approval().await;
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    other.cancel(&cancelled, json!({})).await.expect(200);
    world.advance_clock(Duration::from_secs(61));
    let all = [&answered, &pending, "nonsense", &expired, &answered, &plain, &cancelled, &foreign];
    let reply = wait(&agent, &all.map(|id| id), 20_000).await;
    let body = reply.expect(200);
    assert_eq!(ids(&body["decided"]), [&answered, &expired, &cancelled]);
    let statuses: Vec<_> = body["decided"].as_array().unwrap().iter().map(|it| &it["review"]["status"]).collect();
    assert_eq!(statuses, ["completed", "expired", "cancelled"]);
    assert_eq!((ids(&body["pending"]), &body["more"]), (vec![&*pending], &json!([])));
    assert_eq!(ids(&body["unknown"]), ["nonsense", &plain, &foreign]);
}

#[tokio::test]
async fn a_wait_for_several_ends_when_one_of_them_is_decided_by_this_or_another_process() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let elsewhere = person.at(&world.second_instance().await);
    let other = agent.request_approval().await;
    for by in [&person, &elsewhere] {
        let id = agent.request_approval().await;
        let both = [&*other, &*id];
        let (waited, ()) = tokio::join!(wait(&agent, &both, 20_000), async {
            // This wait lasts long enough for the other one to look.
            agent.wait(&other, 500).await.expect(200);
            by.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        });
        let body = waited.expect(200);
        assert_eq!((ids(&body["decided"]), ids(&body["pending"])), (vec![&*id], vec![&*other]));
        assert_eq!(body["decided"][0]["review"]["response"], json!({ "selectedOption": "approve" }));
    }
}

#[tokio::test]
async fn a_wait_for_several_ends_at_its_timeout_or_once_none_of_them_exists() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let (id, began) = (agent.request_approval().await, Instant::now());
    let body = wait(&agent, &[&id], 300).await.expect(200);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(body, json!({ "decided": [], "more": [], "pending": [id], "unknown": [], "pollAfterMs": 0 }));
    let asked = [&*id];
    let (waited, ()) = tokio::join!(wait(&agent, &asked, 20_000), async {
        agent.wait(&id, 200).await.expect(200);
        agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    });
    assert_eq!(waited.expect(200)["unknown"], json!([id]));
}

#[tokio::test]
async fn one_to_a_hundred_ids_are_accepted() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for query in ["", "?ids=", "?ids=,", &format!("?ids={}", many(101))] {
        let refused = agent.get(&format!("/api/v1/reviews/wait{query}")).await;
        assert_eq!(refused.expect(400)["errors"][0]["path"], json!(["ids"]), "{query}");
    }
    let repeated = format!("{},{}", many(100), many(100));
    let body = agent.get(&format!("/api/v1/reviews/wait?ids={repeated}")).await.expect(200);
    assert_eq!(body["unknown"].as_array().unwrap().len(), 100);
}

/// What does not fit one response is named, and comes with the next call.
#[tokio::test]
async fn decided_reviews_fill_one_response_and_the_others_are_named() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let large = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let first = agent.create_message(large).await;
    person.answer(&first, json!({ "selectedOption": "approve" })).await.expect(201);
    let mut all = bulk_data::copy_messages(&world, &[&first], 29).await;
    all.push(first);
    let mut asked: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut calls = 0;
    while !asked.is_empty() {
        let reply = wait(&agent, &asked, 20_000).await;
        assert!(reply.bytes.len() <= 4_500_000, "{} bytes", reply.bytes.len());
        let body = reply.expect(200);
        let (decided, more) = (ids(&body["decided"]).len(), ids(&body["more"]).len());
        assert!(decided > 0 && decided + more == asked.len() && body["pollAfterMs"] == 0, "{decided} and {more}");
        asked.drain(..decided);
        calls += 1;
    }
    assert!(calls == 2, "{calls} calls for 6 MB");
}

/// A look at a hundred reviews is fifty units, about once a second.
#[tokio::test]
async fn a_look_at_a_hundred_reviews_is_fifty_units() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = agent.request_approval().await;
    let mut all = bulk_data::copy_messages(&world, &[&first], 99).await;
    all.push(first);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let [without, with] = [wait(&agent, &all, 1).await, wait(&agent, &all, 1_500).await].map(|reply| reply.cost());
    // The last look, and with more time at most one before.
    let looks = with.calls - without.calls;
    assert!([0, 100].contains(&looks), "{looks} calls");
    assert!(with.read_units - without.read_units <= 50.0);
}

#[tokio::test]
async fn concurrent_answer_cancellation_expiry_and_deletion_end_a_wait_for_several_with_what_happened() {
    const OUTCOMES: [&str; 4] = ["completed", "cancelled", "expired", "gone"];
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut outcomes = std::collections::BTreeMap::<String, usize>::new();
    let rounds = race_count(&world).div_ceil(5).max(10);
    // Which call is first is up to the engine: an outcome may take more rounds to come.
    for number in 0..10 * rounds {
        if number >= rounds && outcomes.len() == OUTCOMES.len() {
            break;
        }
        let outcome = race(&world, &person, &agent, number).await;
        *outcomes.entry(outcome).or_default() += 1;
    }
    for outcome in OUTCOMES {
        assert!(outcomes.contains_key(outcome), "{outcomes:?}");
    }
}

/// Two waits, one of them of another process, for two reviews of which one ends. Gives how.
async fn race(world: &World, person: &Person, agent: &Agent, number: usize) -> String {
    let quick = json!({ "review": { "type": "freeform", "expiresInSeconds": 60 } });
    let (id, other) = (agent.create_message(quick).await, agent.request_approval().await);
    let elsewhere = agent.at(&world.second_instance().await);
    let start = HeadStart::new(number, &["answer", "cancel", "expiry", "delete"]);
    let answer = start.run("answer", async {
        delay(number, 7).await;
        person.answer(&id, json!({})).await;
    });
    let cancel = start.run("cancel", async {
        delay(number, 11).await;
        agent.cancel(&id, json!({})).await;
    });
    let expire = start.run("expiry", async {
        // Everything else would be too late otherwise.
        if start.is_certain_for("expiry") || number.is_multiple_of(3) {
            delay(number, 13).await;
            world.advance_clock(Duration::from_secs(61));
        }
    });
    let delete = start.run("delete", async {
        if start.is_certain_for("delete") || number.is_multiple_of(4) {
            delay(number, 17).await;
            agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await;
        }
    });
    let both = [&*id, &*other];
    let waits = join_all([agent, &elsewhere].map(|at| wait(at, &both, 20_000)));
    // The other review ends last, so that a wait for the deleted one ends, too.
    let ending = async {
        tokio::join!(answer, cancel, expire, delete);
        agent.cancel(&other, json!({})).await.expect(200);
    };
    let (waited, ()) = tokio::join!(waits, ending);
    let stored = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await;
    let outcome = if stored.status == 404 { "gone".into() } else { stored.json()["review"]["status"].clone() };
    for reply in waited {
        let body = reply.expect(200);
        let decided = body["decided"].as_array().unwrap();
        let seen = decided.iter().find(|it| it["id"] == id).map(|it| it["review"]["status"].clone());
        assert_ne!(seen, Some(json!("pending")));
        if let (Some(seen), false) = (&seen, outcome == "gone") {
            assert_eq!(*seen, outcome, "{body}");
        }
        // One that was deleted right after its decision ends a wait, too.
        assert!(!decided.is_empty() || ids(&body["unknown"]) == [&id], "{body}");
    }
    outcome.as_str().unwrap().to_owned()
}
