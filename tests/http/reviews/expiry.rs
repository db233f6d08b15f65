//! The expiry run of every minute: it expires reviews, deletes unclaimed files and orphaned objects,
//! and continues interrupted deletions.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use expiry::SweepReport;
use futures_util::{StreamExt, stream};
use serde_json::json;
use shared::aws::Clients;
use shared::clock::Timestamp;
use shared::http::App;
use shared::storage::keys::{CLEANUPS, channel_partition};
use shared::telemetry::cost::{self, RequestCost};
use test_support::fault_injection::{Fault, FaultyProxy};
use test_support::{Agent, Item, World};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The number of shards of the `due` index.
const SHARDS: u32 = 4;

async fn run_expiry(world: &World) -> SweepReport {
    expiry::handle(&world.function("expiry")).await.expect("every shard is read")
}

/// Runs the function; returns its report and its DynamoDB cost.
async fn run_with_cost(world: &World) -> (SweepReport, cost::CostTotals) {
    let bill = Arc::new(RequestCost::default());
    let report = cost::with_cost(bill.clone(), run_expiry(world)).await;
    (report, bill.spent())
}

async fn request_approval_for(agent: &Agent, seconds: u64) -> String {
    agent.create_message(json!({ "text": "?", "review": { "type": "approval", "expiresInSeconds": seconds } })).await
}

/// The items of an agent's channel whose sort keys start with `prefix`.
async fn stored_items(world: &World, agent: &Agent, prefix: &str) -> Vec<Item> {
    let pk = channel_partition(agent.channel.parse().unwrap());
    world.items(pk, prefix).await
}

/// The stored status of each review. Reading through the service could expire it.
async fn statuses(world: &World, agent: &Agent) -> Vec<String> {
    let items = stored_items(world, agent, "MESSAGE#").await;
    items.iter().map(|item| item["review"].as_m().unwrap()["status"].as_s().unwrap().clone()).collect()
}

async fn count_objects(world: &World, agent: &Agent) -> usize {
    let ulid = agent.channel.strip_prefix("agt_").unwrap();
    let list = world.clients.s3.list_objects_v2().bucket(world.bucket()).prefix(format!("uploads/{ulid}/"));
    list.send().await.unwrap().contents.unwrap_or_default().len()
}

#[tokio::test]
async fn reviews_expire_when_due_and_not_before() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    request_approval_for(&agent, 3600).await;
    request_approval_for(&agent, 7200).await;
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    world.advance_clock(HOUR);
    assert_eq!(run_expiry(&world).await, SweepReport { expired: 1, ..SweepReport::default() });
    assert_eq!(statuses(&world, &agent).await, ["expired", "pending"]);
    world.advance_clock(HOUR);
    assert_eq!(run_expiry(&world).await, SweepReport { expired: 1, ..SweepReport::default() });
    assert_eq!(statuses(&world, &agent).await, ["expired", "expired"]);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    let item = &stored_items(&world, &agent, "MESSAGE#").await[0];
    assert!(item["dueShard"].as_s().unwrap().starts_with("DECIDED#"), "{item:?}");
}

#[tokio::test]
async fn an_expiry_run_leaves_answered_expired_and_deleted_reviews_alone() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (answered, read, deleted) = (
        request_approval_for(&agent, 60).await,
        request_approval_for(&agent, 60).await,
        request_approval_for(&agent, 60).await,
    );
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    agent.delete_in_channel(&format!("/api/v1/messages/{deleted}")).await.expect(200);
    world.advance_clock(MINUTE);
    agent.get_in_channel(&format!("/api/v1/reviews/{read}")).await.expect(200);
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    assert_eq!(statuses(&world, &agent).await, ["completed", "expired"]);

    // A stale index may list decided reviews as due; the item itself decides.
    for id in [&answered, &read, &deleted] {
        assert!(!world.app.store.reviews().expire(id.parse().unwrap(), world.app.clock.now()).await.unwrap());
    }
    assert_eq!(statuses(&world, &agent).await, ["completed", "expired"]);
}

#[tokio::test]
async fn three_hundred_due_reviews_expire_in_pages_during_concurrent_runs() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    // More than one page in each shard.
    let create = |_| request_approval_for(&agent, 60);
    let reviews: Vec<_> = stream::iter(0..300).map(create).buffer_unordered(8).collect().await;
    assert_eq!(reviews.len(), 300);
    world.advance_clock(MINUTE);
    // Enough time on any machine.
    let run = async || expiry::handle_with_budget(&world.function("expiry"), 5 * MINUTE).await.unwrap();
    let (one, other) = tokio::join!(run(), run());
    assert!(statuses(&world, &agent).await.iter().all(|status| status == "expired"), "{one:?} {other:?}");
    assert_eq!(one.expired + other.expired, 300, "{one:?} {other:?}");
    // A slow emulator refuses some updates that the other run was doing; that run expires those reviews.
    if world.embedded_engine().is_some() {
        assert_eq!(one.failed + other.failed, 0, "{one:?} {other:?}");
    }
    assert_eq!(run_expiry(&world).await, SweepReport::default());
}

#[tokio::test]
async fn every_fifth_minute_reports_how_long_the_oldest_pending_review_has_waited() {
    let world = World::isolated().await;
    let function = world.function("expiry");
    let person = world.person().await;
    let report = async || expiry::report_pending(&function).await.unwrap().as_secs();
    assert_eq!(report().await, 0);
    // The oldest is neither the first that is due nor the only one of its shard.
    let agent = person.agent().await;
    let oldest = request_approval_for(&agent, 9000).await;
    world.advance_clock(MINUTE);
    for seconds in [4000, 5000, 6000, 7000, 8000] {
        request_approval_for(&agent, seconds).await;
    }
    agent.store_file().await;
    let waited = report().await;
    assert!((60..90).contains(&waited), "{waited}");
    person.answer(&oldest, json!({ "selectedOption": "approve" })).await.expect(201);
    let waited = report().await;
    assert!(waited < 60, "{waited}");
    let minutes = (0..20).map(|minute| Timestamp::from_millis(60_000 * minute + 59_999));
    assert_eq!(minutes.filter(|now| expiry::reports_pending(*now)).count(), 4);
}

#[tokio::test]
async fn an_expiry_whose_reply_was_lost_is_counted_once() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    for _ in 0..40 {
        request_approval_for(&agent, 60).await;
    }
    world.advance_clock(MINUTE);
    let mut endpoints = world.endpoints_over_tcp().await;
    let proxy = FaultyProxy::start(&endpoints.dynamodb, 1).await;
    endpoints.dynamodb = proxy.url.clone();
    let (clock, waits) = (world.app.clock.clone(), world.app.long_polls.clone());
    let clients = Clients::at(&endpoints).await;
    let app = App::new(&clients, &world.table, world.bucket(), clock, waits, test_support::secrets());
    proxy.drop_first_update_replies();
    let report = expiry::handle_with_budget(&app, 5 * MINUTE).await.unwrap();
    assert_eq!(report, SweepReport { expired: 40, ..SweepReport::default() });
    assert_eq!(proxy.fault_counts()[&Fault::LostReply], 40);
}

#[tokio::test]
async fn a_run_out_of_time_reports_that_more_is_due() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    for _ in 0..20 {
        request_approval_for(&agent, 60).await;
    }
    world.advance_clock(MINUTE);
    let mut expired = 0;
    for run in 0..20 {
        let report = expiry::handle_with_budget(&world.function("expiry"), Duration::ZERO).await.unwrap();
        assert!(report.expired > 0, "run {run}: {report:?}");
        expired += report.expired;
        assert_eq!(report.unfinished, 20 - expired);
        if expired == 20 {
            return;
        }
    }
    panic!("{expired} of 20 after 20 runs");
}

#[tokio::test]
async fn a_run_costs_what_is_due() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    for _ in 0..30 {
        request_approval_for(&agent, 7200).await;
    }
    let (report, spent) = run_with_cost(&world).await;
    assert_eq!((report, spent.calls, spent.round_trips), (SweepReport::default(), SHARDS, 1));
    for _ in 0..10 {
        request_approval_for(&agent, 60).await;
    }
    world.advance_clock(MINUTE);
    let (report, spent) = run_with_cost(&world).await;
    assert_eq!((report.expired, spent.calls), (10, SHARDS + 10));
}

#[tokio::test]
async fn unclaimed_files_are_deleted_after_a_day() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (unclaimed, claimed, named) = (agent.store_file().await, agent.store_file().await, agent.store_file().await);
    agent.create_message(json!({ "text": "x", "attachmentIds": [claimed] })).await;
    let review = agent.request_approval().await;
    let answer = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": [named] });
    person.post(&format!("/api/messages/{review}/respond"), answer).await.expect(201);
    world.advance_clock(DAY - HOUR);
    let late = agent.store_file().await;
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    world.advance_clock(HOUR);
    assert_eq!(run_expiry(&world).await, SweepReport { removed_files: 1, ..SweepReport::default() });
    agent.get(&format!("/api/v1/files/{unclaimed}/download")).await.expect_error(404, "not_found");
    for kept in [&claimed, &named, &late] {
        assert_eq!(agent.get(&format!("/api/v1/files/{kept}/download")).await.status, 200);
    }
    assert_eq!((stored_items(&world, &agent, "FILE#").await.len(), count_objects(&world, &agent).await), (3, 3));
    assert_eq!(stored_items(&world, &agent, "REMOVAL#").await, Vec::<Item>::new());
    assert_eq!(run_expiry(&world).await, SweepReport::default());
}

#[tokio::test]
async fn a_file_is_claimed_or_deleted_never_both() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    for _ in 0..10 {
        let file = agent.store_file().await;
        world.advance_clock(DAY);
        let send = agent.send(json!({ "text": "x", "attachmentIds": [file] }));
        let (sent, report) = tokio::join!(send, run_expiry(&world));
        let status = agent.get(&format!("/api/v1/files/{file}/download")).await.status;
        match sent.status {
            201 => assert_eq!((report.removed_files, status), (0, 200)),
            _ => {
                assert_eq!(sent.expect_invalid(), ["attachmentIds.0"]);
                assert_eq!((report.removed_files, status), (1, 404));
            }
        }
        assert_eq!(report.failed, 0);
    }
}

/// Writes a due cleanup record, as a process leaves it when it crashes after its first write.
async fn write_cleanup_record(world: &World, agent: &Agent, objects: AttributeValue) {
    let ulid = agent.channel.strip_prefix("agt_").unwrap();
    let (pk, sk) = (channel_partition(agent.channel.parse().unwrap()), format!("{CLEANUPS}{ulid}"));
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = world.clients.dynamodb.put_item().table_name(&world.table);
    let put = put.item("objects", objects).item("dueShard", text("DUE#0"));
    let put = put.item("dueSort", text(&format!("{}#{pk}#{sk}", world.app.clock.now())));
    put.item("pk", text(&pk)).item("sk", text(&sk)).send().await.unwrap();
}

#[tokio::test]
async fn orphaned_bytes_are_deleted_and_a_bad_item_stops_nothing() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let other = world.person().await.agent().await;
    let file = agent.upload("store", "a", "text/plain", "x").await.expect(201);
    let object = AttributeValue::S(file["storageKey"].as_str().unwrap().to_owned());
    write_cleanup_record(&world, &agent, AttributeValue::L(vec![object])).await;
    // A cleanup record that cannot be read.
    write_cleanup_record(&world, &other, AttributeValue::Bool(true)).await;
    request_approval_for(&other, 60).await;
    world.advance_clock(MINUTE);
    let expected = SweepReport { expired: 1, removals_finished: 1, failed: 1, ..SweepReport::default() };
    assert_eq!(run_expiry(&world).await, expected);
    assert_eq!(count_objects(&world, &agent).await, 0);
    assert_eq!(stored_items(&world, &agent, "REMOVAL#").await, Vec::<Item>::new());
    // Every run reports the bad record again.
    assert_eq!(run_expiry(&world).await, SweepReport { failed: 1, ..SweepReport::default() });
}

#[tokio::test]
async fn an_interrupted_agent_deletion_is_continued() {
    let world = World::isolated().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    for agent in [&agent, &other] {
        agent.store_file().await;
        request_approval_for(agent, 60).await;
    }
    let user = person.user_id().await.parse().unwrap();
    let store = &world.app.store;
    let interrupted = store.agents().delete(user, agent.channel.parse().unwrap(), Duration::ZERO).await;
    assert_eq!(interrupted.unwrap_err().code(), "still_removing");
    world.advance_clock(MINUTE);
    let first = run_expiry(&world).await;
    assert_eq!((first.removals_finished, first.failed), (1, 0), "{first:?}");
    assert_eq!(stored_items(&world, &agent, "").await, Vec::<Item>::new());
    assert_eq!(statuses(&world, &other).await, ["expired"]);
    assert_eq!(count_objects(&world, &other).await, 1);
    // The deletion record remains until no request admitted before the deletion can still write.
    assert_eq!(run_expiry(&world).await, SweepReport::default());
    world.advance_clock(2 * HOUR);
    assert_eq!(run_expiry(&world).await, SweepReport { removals_finished: 1, ..SweepReport::default() });
    assert_eq!(run_expiry(&world).await, SweepReport::default());
}
