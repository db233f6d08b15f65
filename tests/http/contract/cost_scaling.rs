//! The cost of a call does not grow with the number of messages: a channel of 30,000 messages costs
//! the same DynamoDB calls and units as one of 100. `make bench` prints the costs for 100,000.

use serde_json::json;
use test_support::bulk_data::{self, CallMeasurement};
use test_support::{Agent, Cost, Person, World};

/// The size of the small channel, in messages.
const SMALL_CHANNEL: usize = 100;

/// The size of the large channel: what an unoptimised embedded engine writes within 20 s. On
/// LocalStack, where each item goes over HTTP, just more than one page of a query.
fn large_channel() -> usize {
    match std::env::var("PLACET_TEST_ENGINE").as_deref() {
        Ok("embedded") | Err(_) => 30_000,
        Ok(_) => 2_000,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_channel_costs_as_much_as_a_small_one() {
    let world = World::start().await;
    let person = world.person().await;
    let (small, large) = (person.agent().await, person.agent().await);
    bulk_data::fill_channel(&world, &person, &small, SMALL_CHANNEL).await;
    bulk_data::fill_channel(&world, &person, &large, large_channel()).await;
    let in_small = bulk_data::measure(&person, &small).await;
    let in_large = bulk_data::measure(&person, &large).await;
    bulk_data::assert_same_cost(&in_small, &in_large);
    assert_eq!(calls(&in_large, "list, 50 newest"), (2, 1));
    assert_eq!(calls(&in_large, "search, 50 found"), (2, 1));
    assert_eq!(calls(&in_large, "get one"), (1, 1));
    assert_eq!(calls(&in_large, "pending, 1 of them"), (2, 1));
    assert_eq!(calls(&in_large, "wait for a decided one"), (1, 1));
}

fn calls(measured: &[CallMeasurement], name: &str) -> (u32, u32) {
    let (_, cost, _) = measured.iter().find(|(it, _, _)| *it == name).unwrap();
    (cost.calls, cost.round_trips)
}

#[tokio::test]
async fn decided_reviews_add_nothing_to_the_cost_of_pending_lists() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let soon = json!({ "review": { "type": "approval", "expiresInSeconds": 60 } });
    let mut expiring = vec![];
    for _ in 0..20 {
        expiring.push(agent.create_message(soon.clone()).await);
        decide_review(&agent, &person).await;
    }
    world.advance_clock(std::time::Duration::from_secs(61));
    for id in &expiring {
        let review = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"].clone();
        assert_eq!(review["status"], "expired");
    }
    let among_many = list_three_pending(&agent).await;
    let alone = list_three_pending(&person.agent().await).await;
    assert_eq!(among_many, alone);
}

async fn decide_review(agent: &Agent, person: &Person) {
    person.answer(&agent.request_approval().await, json!({ "selectedOption": "approve" })).await.expect(201);
}

async fn list_three_pending(agent: &Agent) -> Cost {
    for _ in 0..3 {
        agent.request_approval().await;
    }
    let list = agent.get_in_channel("/api/v1/reviews/pending").await;
    assert_eq!(list.expect(200).as_array().unwrap().len(), 3);
    list.cost()
}
