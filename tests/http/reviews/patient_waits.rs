//! Waits of clients that heed `pollAfterMs`, and signs that somebody is about to answer

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::http::App;
use test_support::{Agent, World};

const TIMEOUT_MS: u32 = 400;

async fn patient_wait(agent: &Agent, id: &str) -> (Value, Duration) {
    let began = Instant::now();
    let path = format!("/api/v1/reviews/{id}/wait?patient=true&timeout={TIMEOUT_MS}");
    let body = agent.get_in_channel(&path).await.expect(200);
    (body, began.elapsed())
}

fn timed_out(poll_after_ms: u32) -> Value {
    json!({ "status": "timeout", "message": null, "pollAfterMs": poll_after_ms })
}

#[tokio::test]
async fn a_patient_wait_holds_for_a_minute_after_asking_and_while_somebody_has_the_review_open() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let held = Duration::from_millis(TIMEOUT_MS.into());
    let (body, lasted) = patient_wait(&agent, &id).await;
    assert!(body == timed_out(0) && lasted >= held, "{body} after {lasted:?}");
    world.advance_clock(Duration::from_secs(61));
    let reply = agent.get_in_channel(&format!("/api/v1/reviews/{id}/wait?patient=true")).await;
    assert_eq!((reply.expect(200), reply.cost().calls), (timed_out(15_000), 2), "a read and a look");
    person.post(&format!("/api/messages/{id}/viewing"), json!({})).await.expect(204);
    let (body, lasted) = patient_wait(&agent, &id).await;
    assert!(body == timed_out(0) && lasted >= held, "{body} after {lasted:?}");
    world.advance_clock(Duration::from_secs(21));
    assert_eq!(patient_wait(&agent, &id).await.0, timed_out(15_000));
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    let body = patient_wait(&agent, &id).await.0;
    assert_eq!((&body["status"], body.get("pollAfterMs")), (&json!("completed"), None));
}

#[tokio::test]
async fn a_wait_that_is_not_patient_holds_and_says_how_long_it_could_have_slept() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    world.advance_clock(Duration::from_secs(61));
    let began = Instant::now();
    assert_eq!(agent.wait(&id, TIMEOUT_MS).await.expect(200), timed_out(15_000));
    assert!(began.elapsed() >= Duration::from_millis(TIMEOUT_MS.into()));
    let path = format!("/api/v1/reviews/{id}/wait?patient=perhaps");
    assert_eq!(agent.get_in_channel(&path).await.expect(400)["errors"][0]["path"], json!(["patient"]));
}

#[tokio::test]
async fn a_patient_wait_for_several_holds_while_one_of_them_is_new_or_open() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let [first, second] = [agent.request_approval().await, agent.request_approval().await];
    world.advance_clock(Duration::from_secs(61));
    let wait = async || {
        let path = format!("/api/v1/reviews/wait?ids={first},{second}&patient=true&timeout={TIMEOUT_MS}");
        let began = Instant::now();
        (agent.get(&path).await.expect(200)["pollAfterMs"].clone(), began.elapsed())
    };
    assert_eq!(wait().await.0, 15_000);
    person.post(&format!("/api/messages/{second}/viewing"), json!({})).await.expect(204);
    let (poll_after, lasted) = wait().await;
    assert!(poll_after == 0 && lasted >= Duration::from_millis(TIMEOUT_MS.into()), "{poll_after} after {lasted:?}");
}

/// Where the process hears of every decision, holding costs nothing.
#[tokio::test]
async fn on_one_machine_a_patient_wait_holds_and_looks_only_once_in_twenty_seconds() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    world.advance_clock(Duration::from_secs(61));
    let long_polls = world.app.long_polls.clone().hearing_all();
    let at = world.serve_also(placet_local::routes(), App { long_polls, ..world.app.clone() }).await;
    let began = Instant::now();
    let reply = agent.at(&at).get_in_channel(&format!("/api/v1/reviews/{id}/wait?patient=true&timeout=1500")).await;
    assert_eq!((reply.expect(200), reply.cost().calls), (timed_out(0), 1));
    assert!(began.elapsed() >= Duration::from_millis(1_500));
}

#[tokio::test]
async fn a_sign_makes_a_wait_look_more_often() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let [quiet, near] = [agent.request_approval().await, agent.request_approval().await];
    person.post(&format!("/api/messages/{near}/viewing"), json!({})).await.expect(204);
    let (quiet, near) = tokio::join!(agent.wait(&quiet, 1_500), agent.wait(&near, 1_500));
    // A look takes a slow engine longer than either pause.
    let more = if world.database().is_some() { 6 } else { 0 };
    assert!(near.cost().calls >= quiet.cost().calls + more, "{:?} and {:?}", near.cost(), quiet.cost());
}

/// A sign is no work that is due: the expiry run deletes it together with its review.
#[tokio::test]
async fn a_sign_ends_with_its_review_and_needs_a_pending_one() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "review": { "type": "approval", "expiresInSeconds": 60 } })).await;
    let path = format!("/api/messages/{id}/viewing");
    let sign = || person.post(&path, json!({}));
    let signs = async || world.items(format!("CHANNEL#{}", &agent.channel["agt_".len()..]), "SIGN#").await.len();
    sign().await.expect(204);
    sign().await.expect(204);
    assert_eq!(signs().await, 1);
    world.advance_clock(Duration::from_secs(61));
    let swept = expiry::handle(&world.function("expiry")).await.expect("a run");
    assert_eq!((swept.expired, swept.failed, signs().await), (1, 0, 0));
    sign().await.expect(204);
    assert_eq!(signs().await, 0);
    let stranger = world.person().await;
    stranger.post(&path, json!({})).await.expect_error(404, "not_found");
}

/// The whole chain of a wait is one entry of the log and one request of the counters.
#[tokio::test]
async fn a_wait_that_timed_out_is_neither_logged_nor_counted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    for _ in 0..3 {
        assert_eq!(agent.wait(&id, 20).await.expect(200)["status"], "timeout");
        let several = agent.get(&format!("/api/v1/reviews/wait?ids={id}&timeout=20")).await.expect(200);
        assert_eq!(several["pending"], json!([id]));
    }
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    assert_eq!(agent.wait(&id, 20).await.expect(200)["status"], "completed");
    // Entries are written in the background, in no order: the last one has been written when all are there.
    let waits = async || {
        let log = person.get("/api/logs?limit=100").await.expect(200)["data"].clone();
        let paths = log.as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap().to_owned());
        paths.filter(|path| path.contains("/wait")).count()
    };
    while waits().await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(waits().await, 1);
    let stats = async || person.get(&format!("/api/agents/{}/stats", agent.channel)).await.expect(200);
    while stats().await["successRequests"].as_u64() < Some(2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stats().await["successRequests"], 2, "the message and the wait");
}
