//! `GET /api/v1/reviews/{id}/wait`

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Agent, Person, World};

#[tokio::test]
async fn a_wait_returns_the_answer_with_its_texts() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message =
        json!({ "text": "?", "review": { "type": "approval" }, "textAttachments": [{ "content": "# Plan" }] });
    let id = agent.create_message(message).await;
    let (waited, ()) = tokio::join!(agent.wait(&id, 20_000), async {
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    });
    let body = waited.expect(200);
    assert_eq!(body["status"], "completed");
    assert_eq!(body["message"]["review"]["response"], json!({ "selectedOption": "approve" }));
    assert_eq!(body["message"]["attachments"][0]["textContent"], "# Plan");
}

#[tokio::test]
async fn a_wait_finds_an_answer_stored_by_another_process() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let elsewhere = person.at(&world.second_instance().await);
    // A wait for another review lasts long enough for the first to poll.
    let other = agent.request_approval().await;
    let (waited, ()) = tokio::join!(agent.wait(&id, 20_000), async {
        agent.wait(&other, 1_000).await.expect(200);
        elsewhere.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    });
    assert_eq!(waited.expect(200)["status"], "completed");
    assert!(waited.cost().calls > 1, "the wait polled: {:?}", waited.cost());
}

/// The waiters of one process poll together, and the one that finds the answer notifies the others.
#[tokio::test]
async fn many_waiters_of_one_review_share_few_polls() {
    const WAITERS: u32 = 100;
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let elsewhere = person.at(&world.second_instance().await);
    let (waits, polls) = tokio::join!(join_all((0..WAITERS).map(|_| agent.wait(&id, 25_000))), async {
        let began = Instant::now();
        agent.wait(&id, 2_000).await.expect(200);
        elsewhere.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        began.elapsed().as_millis() as u32 / 20
    });
    let (calls, first) = (waits.iter().map(|it| it.cost().calls).sum::<u32>(), waits[0].expect(200));
    assert!(waits.iter().all(|waited| waited.expect(200) == first));
    assert_eq!(first["status"], "completed");
    // One poll of each waiter at its start, one per 20 ms, few after the answer was found, and one check of each
    // waiter's key before its answer.
    let max_calls = WAITERS + polls + WAITERS / 3 + WAITERS;
    assert!(calls <= max_calls, "{calls} polls, at most {max_calls}");
}

#[tokio::test]
async fn a_decided_review_answers_at_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    person.answer(&id, json!({ "selectedOption": "reject" })).await.expect(201);
    let waited = agent.wait(&id, 29_000).await;
    assert_eq!(waited.expect(200)["status"], "completed");
    assert_eq!(waited.cost().calls, 1);
}

#[tokio::test]
async fn a_wait_ends_at_its_timeout() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let began = Instant::now();
    assert_eq!(
        agent.wait(&id, 300).await.expect(200),
        json!({ "status": "timeout", "message": null, "pollAfterMs": 0 })
    );
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn odd_timeouts_mean_the_maximum_and_shutdown_ends_every_wait() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let odd = ["", "timeout=0", "timeout=-5", "timeout=soon", "timeout=999999999", "timeout=1e400"];
    let closing = Cell::new(false);
    let waits = join_all(odd.map(async |query| {
        let reply = agent.get_in_channel(&format!("/api/v1/reviews/{id}/wait?{query}")).await;
        assert!(closing.get(), "{query:?} was held");
        reply
    }));
    let still_held = async {
        // None of the six waits has ended by its own parameter.
        agent.wait(&id, 600).await.expect(200);
        closing.set(true);
        world.close.send(true).unwrap();
    };
    let (replies, ()) = tokio::join!(waits, still_held);
    for reply in replies {
        assert_eq!(reply.expect(200)["status"], "timeout");
    }
}

#[tokio::test]
async fn a_hundred_waiters_all_get_the_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let (waits, ()) = tokio::join!(join_all((0..100).map(|_| agent.wait(&id, 25_000))), async {
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    });
    let first = waits[0].expect(200);
    assert_eq!(first["status"], "completed");
    assert!(waits.iter().all(|waited| waited.expect(200) == first));
}

#[tokio::test]
async fn a_wait_ends_when_the_review_expires_meanwhile() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 2 } })).await;
    let began = Instant::now();
    let waited = agent.wait(&id, 20_000).await.expect(200);
    assert_eq!((&waited["status"], &waited["message"]["review"]["response"]), (&json!("expired"), &Value::Null));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_wait_for_a_deleted_review_ends() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let (waited, ()) = tokio::join!(agent.wait(&id, 20_000), async {
        agent.wait(&id, 200).await.expect(200);
        agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    });
    waited.expect_error(404, "not_found");
}

/// Makes a second key of the person's, and returns its id and the agent with it.
async fn with_another_key(person: &Person, agent: &Agent) -> (String, Agent) {
    let made = person.post("/api/api-keys", json!({})).await.expect(201);
    (made["id"].as_str().unwrap().to_owned(), agent.with_key(made["key"].as_str().unwrap()))
}

#[tokio::test]
async fn a_key_that_was_revoked_during_a_wait_gets_no_answer_of_this_or_another_process() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let elsewhere = person.at(&world.second_instance().await);
    for answering in [&person, &elsewhere] {
        let (id, (key, leaked)) = (agent.request_approval().await, with_another_key(&person, &agent).await);
        let several = format!("/api/v1/reviews/wait?ids={id}");
        let (one, many, kept, ()) =
            tokio::join!(leaked.wait(&id, 25_000), leaked.get(&several), agent.wait(&id, 25_000), async {
                agent.wait(&id, 500).await.expect(200);
                person.delete(&format!("/api/api-keys/{key}")).await.expect(200);
                answering.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
            });
        for refused in [&one, &many] {
            refused.expect_error(401, "unauthorized");
            assert!(!refused.has_cost() || refused.cost().calls > 1, "it was held: {:?}", refused.cost());
            assert!(!refused.text().contains("selectedOption"), "{}", refused.text());
        }
        assert_eq!(kept.expect(200)["status"], "completed");
    }
}
