//! A wall clock that is set wrong ends no review, deletes no file and brings no list out of order.

use std::time::Duration;

use expiry::SweepReport;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::http::App;
use shared::long_poll::LongPolls;
use test_support::{Agent, World, secrets};
use tokio::sync::watch;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;

async fn run_expiry(world: &World) -> SweepReport {
    expiry::handle(&world.function("expiry")).await.expect("every shard is read")
}

async fn status(agent: &Agent, review: &str) -> Value {
    agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200)["review"]["status"].clone()
}

#[tokio::test]
async fn a_clock_that_jumps_eight_days_for_a_minute_expires_nothing_and_deletes_nothing() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    world.jump_clock(8 * 24 * HOUR_MS);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    // Neither does a look: the time goes on from before the jump.
    assert_eq!(status(&agent, &review).await, "pending");
    assert_eq!(agent.wait(&review, 50).await.expect(200)["status"], "timeout");
    world.advance_clock(MINUTE);
    person.get("/api/auth/me").await.expect(200);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    world.jump_clock(-8 * 24 * HOUR_MS);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    agent.get(&format!("/api/v1/files/{file}/download")).await.expect(200);
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
}

#[tokio::test]
async fn a_jump_that_has_stood_for_15_minutes_is_the_time() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let review = agent.request_approval().await;
    world.jump_clock(8 * 24 * HOUR_MS);
    assert_eq!(status(&agent, &review).await, "pending");
    world.advance_clock(14 * MINUTE);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    world.advance_clock(MINUTE);
    assert_eq!(run_expiry(&world).await.expired, 1);
    assert_eq!(status(&agent, &review).await, "expired");
}

/// A deployed function believes its clock, but not beyond the time that its invocation has from EventBridge.
#[tokio::test]
async fn a_scheduled_run_processes_nothing_that_is_due_by_its_own_clock_alone() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let clock = Clock::adjustable_system();
    let waits = LongPolls::new(MAX_WAIT, watch::channel(false).1);
    let app = App::new(&world.clients, &world.table, world.bucket(), clock.clone(), waits, secrets());
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    let soon = json!({ "review": { "type": "approval", "expiresInSeconds": 60 } });
    let soon = agent.create_message(soon).await;
    let scheduled = clock.now();
    clock.jump(8 * 24 * HOUR_MS);
    let swept = expiry::handle_scheduled(&app, Some(scheduled)).await.unwrap();
    // A run may be five minutes late, so what became due within them is no longer in doubt.
    assert_eq!((swept.expired, swept.removed_files), (1, 0));
    assert_eq!((status(&agent, &review).await, status(&agent, &soon).await), (json!("pending"), json!("expired")));
    agent.get(&format!("/api/v1/files/{file}/download")).await.expect(200);

    // A clock that is behind processes less, and the next run the rest.
    clock.jump(-16 * 24 * HOUR_MS);
    assert_eq!(expiry::handle_scheduled(&app, Some(scheduled)).await.unwrap(), SweepReport::default());
    clock.jump(16 * 24 * HOUR_MS);
    let scheduled = clock.now();
    assert_eq!(expiry::handle_scheduled(&app, Some(scheduled)).await.unwrap().expired, 1);
}

#[tokio::test]
async fn messages_and_files_sort_behind_earlier_ones_when_the_clock_is_set_back() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let mut sent = vec![];
    // The second jump is confirmed before anything is sent.
    for (jump, wait) in [(0, 0), (-30_000, 0), (-HOUR_MS, 16)] {
        world.jump_clock(jump);
        agent.get("/api/v1/agents").await.expect(200);
        world.advance_clock(wait * MINUTE);
        for _ in 0..2 {
            let (message, file) = (agent.create_message(json!({ "text": "x" })).await, agent.store_file().await);
            sent.push((message, file));
        }
    }
    for (path, of) in [("/api/v1/messages", 0), ("/api/v1/files", 1)] {
        let listed = agent.get_in_channel(path).await.expect(200);
        let listed = listed.get("data").unwrap_or(&listed).as_array().unwrap().clone();
        let ids: Vec<&str> = listed.iter().rev().map(|it| it["id"].as_str().unwrap()).collect();
        let expected: Vec<&str> = sent.iter().map(|it| if of == 0 { &*it.0 } else { &*it.1 }).collect();
        assert_eq!(ids, expected, "{path}");
    }
}
