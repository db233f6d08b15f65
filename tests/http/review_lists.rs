//! Lists of reviews when there are more than one response holds.

use futures_util::future::join_all;
use placet_tests::{Reply, World, crowd};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_decided_reviews_the_newest_200_are_listed_and_a_channels_own_are_found() {
    let world = World::start().await;
    let person = world.person().await;
    let (quiet, busy) = (person.agent().await, person.agent().await);
    let first = quiet.asked().await;
    person.answer(&first, json!({ "selectedOption": "approve" })).await.expect(201);
    // A quarter of these are answered, and newer than that of the quiet channel.
    crowd::fill(&world, &person, &busy, 1000).await;
    let newest = busy.asked().await;
    person.answer(&newest, json!({ "selectedOption": "approve" })).await.expect(201);

    let all = person.get("/api/messages/reviews?status=completed").await;
    let list = all.expect(200);
    assert_eq!(ids(&list).len(), 200);
    assert_eq!(ids(&list)[0], newest);
    assert_eq!(all.cost().round_trips, 1);

    let path = format!("/api/messages/reviews?status=completed&channel={}", quiet.channel);
    assert_eq!(ids(&person.get(&path).await.expect(200)), [first.as_str()]);
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
        sent.push(if n % 2 == 0 { &one } else { &other }.sent(long.clone()).await);
    }
    sent.reverse();
    let fits = |reply: &Reply| assert!(reply.bytes.len() < 4_500_000, "{} bytes", reply.bytes.len());

    let reply = person.get("/api/messages/reviews").await;
    fits(&reply);
    let list = reply.expect(200);
    let shown = ids(&list);
    assert!((15..SENT).contains(&shown.len()), "{} of {SENT}", shown.len());
    assert_eq!(shown, sent[..shown.len()]);

    // Each of the two has half of them, which fits.
    let pending = join_all([&one, &other].map(|agent| agent.get_here("/api/v1/reviews/pending"))).await;
    for reply in &pending {
        fits(reply);
        assert_eq!(ids(&reply.expect(200)).len(), SENT / 2);
    }
}
