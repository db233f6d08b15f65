//! Lists of reviews that exceed the size of a response.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Agent, Reply, World, bulk_data};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap()).collect()
}

/// Asserts that a list fits a response; returns its ids, newest first.
#[track_caller]
fn ids_that_fit(reply: &Reply) -> Vec<String> {
    assert!(reply.bytes.len() < 4_500_000, "{} bytes", reply.bytes.len());
    ids(&reply.expect(200)).into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_decided_reviews_the_newest_200_are_listed() {
    let world = World::start().await;
    let person = world.person().await;
    let (old, quiet, busy) = (person.agent().await, person.agent().await, person.agent().await);
    let complete_review = async |agent: &Agent| {
        let id = agent.request_approval().await;
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        id
    };
    let list_completed = async |agent: &Agent| {
        person.get(&format!("/api/messages/reviews?status=completed&channel={}", agent.channel)).await
    };
    let oldest = complete_review(&old).await;
    // Leave room for the copies, which are one millisecond apart.
    world.advance_clock(Duration::from_secs(60));
    let first = complete_review(&quiet).await;
    let newest = complete_review(&busy).await;
    bulk_data::copy_messages(&world, &[&newest], 300).await;
    bulk_data::copy_messages(&world, &[&first], 2000).await;

    let all = person.get("/api/messages/reviews?status=completed").await;
    let list = all.expect(200);
    assert_eq!(ids(&list).len(), 200);
    assert_eq!(ids(&list)[0], newest);
    assert_eq!(all.cost().round_trips, 1);

    let found = list_completed(&quiet).await;
    let list = found.expect(200);
    assert_eq!(ids(&list).len(), 200);
    assert_eq!(ids(&list)[0], first);
    // The list searches the newest 2,000 only: ten reads, the access check, and the check for agents
    // being deleted.
    let missed = list_completed(&old).await;
    assert!(missed.cost().calls <= 12, "{:?}", missed.cost());
    assert_eq!(missed.expect(200), json!([]), "{oldest} is beyond the search limit");
}

#[tokio::test]
async fn pending_reviews_that_outgrow_a_response_leave_out_the_oldest() {
    const COUNT: usize = 30;
    let world = World::start().await;
    let person = world.person().await;
    let (one, other) = (person.agent().await, person.agent().await);
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let mut sent = vec![];
    for n in 0..COUNT {
        sent.push(if n % 2 == 0 { &one } else { &other }.create_message(long.clone()).await);
    }
    sent.reverse();

    let shown = ids_that_fit(&person.get("/api/messages/reviews").await);
    assert!((15..COUNT).contains(&shown.len()), "{} of {COUNT}", shown.len());
    assert_eq!(shown, sent[..shown.len()]);

    // Each channel has half of the reviews, which fits.
    for agent in [&one, &other] {
        assert_eq!(ids_that_fit(&agent.get_in_channel("/api/v1/reviews/pending").await).len(), COUNT / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_pending_reviews_stops_where_a_response_is_full() {
    let world = World::start().await;
    let person = world.person().await;
    // Channels are read from the newest to the oldest.
    let (old, young) = (person.agent().await, person.agent().await);
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    // Each channel has 20 MB, of which 4 MiB fit. Reading to the end would take 20 reads.
    for agent in [&young, &old] {
        bulk_data::copy_messages(&world, &[&agent.create_message(long.clone()).await], 100).await;
    }
    let newest = old.create_message(long).await;

    for agent in [&old, &young] {
        let pending = agent.get_in_channel("/api/v1/reviews/pending").await;
        let shown = ids_that_fit(&pending);
        assert!((15..=20).contains(&shown.len()) && shown.is_sorted_by(|newer, older| newer > older), "{shown:?}");
        assert!(pending.cost().calls <= 7, "{:?}", pending.cost());
    }
    let pending = person.get("/api/messages/reviews").await;
    let shown = ids_that_fit(&pending);
    assert_eq!(shown[0], newest);
    assert!((15..=20).contains(&shown.len()), "{shown:?}");
    assert!(pending.cost().calls <= 14, "{:?}", pending.cost());
    let all = person.get("/api/messages/reviews?status=all").await;
    assert_eq!(ids_that_fit(&all), shown);
    assert!(all.cost().calls <= 16, "{:?}", all.cost());
}

#[tokio::test]
async fn a_smaller_older_review_never_replaces_one_that_did_not_fit() {
    let world = World::start().await;
    let person = world.person().await;
    let (old, young) = (person.agent().await, person.agent().await);
    // This channel is read last, when a small review would still fit.
    let small = old.request_approval().await;
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let mut sent = vec![];
    for _ in 0..25 {
        sent.push(young.create_message(long.clone()).await);
    }
    sent.reverse();
    let shown = ids_that_fit(&person.get("/api/messages/reviews").await);
    assert!(!shown.contains(&small));
    assert_eq!(shown, sent[..shown.len()]);
}
