//! Lists of reviews when there are more than one response holds.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Agent, Reply, World, bulk_data};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap()).collect()
}

/// The ids of a list that is as long as a response may be, newest first.
#[track_caller]
fn fitting(reply: &Reply) -> Vec<String> {
    assert!(reply.bytes.len() < 4_500_000, "{} bytes", reply.bytes.len());
    ids(&reply.expect(200)).into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_decided_reviews_the_newest_200_are_listed() {
    let world = World::start().await;
    let person = world.person().await;
    let (old, quiet, busy) = (person.agent().await, person.agent().await, person.agent().await);
    let answered = async |agent: &Agent| {
        let id = agent.request_approval().await;
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        id
    };
    let completed = async |agent: &Agent| {
        person.get(&format!("/api/messages/reviews?status=completed&channel={}", agent.channel)).await
    };
    let oldest = answered(&old).await;
    // Time for the copies, each of which is a millisecond older than the one before.
    world.advance_clock(Duration::from_secs(60));
    let first = answered(&quiet).await;
    let newest = answered(&busy).await;
    bulk_data::copy_messages(&world, &[&newest], 300).await;
    bulk_data::copy_messages(&world, &[&first], 2000).await;

    let all = person.get("/api/messages/reviews?status=completed").await;
    let list = all.expect(200);
    assert_eq!(ids(&list).len(), 200);
    assert_eq!(ids(&list)[0], newest);
    assert_eq!(all.cost().round_trips, 1);

    let found = completed(&quiet).await;
    let list = found.expect(200);
    assert_eq!(ids(&list).len(), 200);
    assert_eq!(ids(&list)[0], first);
    // Further back than the newest 2,000 nobody looks: ten reads, beside the check of the caller
    // and the look for agents that are leaving.
    let missed = completed(&old).await;
    assert!(missed.cost().calls <= 12, "{:?}", missed.cost());
    assert_eq!(missed.expect(200), json!([]), "{oldest} is not among them");
}

#[tokio::test]
async fn pending_reviews_that_outgrow_a_response_leave_out_the_oldest() {
    const SENT: usize = 30;
    let world = World::start().await;
    let person = world.person().await;
    let (one, other) = (person.agent().await, person.agent().await);
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let mut sent = vec![];
    for n in 0..SENT {
        sent.push(if n % 2 == 0 { &one } else { &other }.create_message(long.clone()).await);
    }
    sent.reverse();

    let shown = fitting(&person.get("/api/messages/reviews").await);
    assert!((15..SENT).contains(&shown.len()), "{} of {SENT}", shown.len());
    assert_eq!(shown, sent[..shown.len()]);

    // Each of the two has half of them, which fits.
    for agent in [&one, &other] {
        assert_eq!(fitting(&agent.get_in_channel("/api/v1/reviews/pending").await).len(), SENT / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_pending_reviews_stops_where_a_response_is_full() {
    let world = World::start().await;
    let person = world.person().await;
    // Channels sort by their age, and are read from the youngest on.
    let (old, young) = (person.agent().await, person.agent().await);
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    // 20 MB in each channel, of which 4 MiB fit: read to the end, that is 20 reads each.
    for agent in [&young, &old] {
        bulk_data::copy_messages(&world, &[&agent.create_message(long.clone()).await], 100).await;
    }
    let newest = old.create_message(long).await;

    for agent in [&old, &young] {
        let pending = agent.get_in_channel("/api/v1/reviews/pending").await;
        let shown = fitting(&pending);
        assert!((15..=20).contains(&shown.len()) && shown.is_sorted_by(|newer, older| newer > older), "{shown:?}");
        assert!(pending.cost().calls <= 7, "{:?}", pending.cost());
    }
    let pending = person.get("/api/messages/reviews").await;
    let shown = fitting(&pending);
    assert_eq!(shown[0], newest);
    assert!((15..=20).contains(&shown.len()), "{shown:?}");
    assert!(pending.cost().calls <= 14, "{:?}", pending.cost());
    let all = person.get("/api/messages/reviews?status=all").await;
    assert_eq!(fitting(&all), shown);
    assert!(all.cost().calls <= 16, "{:?}", all.cost());
}

#[tokio::test]
async fn a_smaller_older_review_never_replaces_one_that_did_not_fit() {
    let world = World::start().await;
    let person = world.person().await;
    let (old, young) = (person.agent().await, person.agent().await);
    // Read last, when there is still a little room.
    let small = old.request_approval().await;
    let long = json!({ "text": "x".repeat(200 * 1024), "review": { "type": "approval" } });
    let mut sent = vec![];
    for _ in 0..25 {
        sent.push(young.create_message(long.clone()).await);
    }
    sent.reverse();
    let shown = fitting(&person.get("/api/messages/reviews").await);
    assert!(!shown.contains(&small));
    assert_eq!(shown, sent[..shown.len()]);
}
