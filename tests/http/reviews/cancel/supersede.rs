//! `supersedes` in `POST /api/v1/messages`: a new message replaces a pending review. And `review.longLived`.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use test_support::{Agent, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn asking_instead_of(old: &str) -> Value {
    json!({ "text": "Better asked?", "review": { "type": "approval" }, "supersedes": old })
}

async fn read(agent: &Agent, id: &str) -> Value {
    agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)
}

fn id_of(message: &Value) -> &str {
    message["id"].as_str().expect("an id")
}

async fn count_messages(agent: &Agent) -> usize {
    agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200)["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_new_message_cancels_the_review_that_it_supersedes() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let old = agent.request_approval().await;
    let (waited, new) = tokio::join!(agent.wait(&old, 20_000), async {
        agent.wait(&old, 200).await.expect(200);
        agent.send(asking_instead_of(&old)).await.expect(201)
    });
    assert_eq!((&new["supersedes"], &new["supersededBy"]), (&json!(old), &Value::Null));
    assert_eq!(new["review"]["status"], "pending");
    let replaced = read(&agent, &old).await;
    assert_eq!((&replaced["supersedes"], &replaced["supersededBy"]), (&Value::Null, &new["id"]));
    assert_eq!(
        (&replaced["review"]["status"], &replaced["review"]["cancelReason"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert_eq!(waited.expect(200), json!({ "status": "cancelled", "message": replaced }));
    assert_eq!(read(&agent, id_of(&new)).await, new);
    // The person is led from the one to the other.
    let inbox = person.get("/").await.text();
    assert!(inbox.contains(id_of(&new)) && !inbox.contains(&old), "{inbox}");
    let page = person.get(&format!("/reviews/{old}")).await.text();
    assert!(page.contains("Withdrawn by") && page.contains(&format!("href=\"/reviews/{}\"", id_of(&new))), "{page}");
    // What supersedes can be superseded, and need not ask anything itself.
    let last = agent.send(json!({ "text": "Never mind.", "supersedes": new["id"] })).await.expect(201);
    assert_eq!((&last["supersedes"], &last["review"]), (&new["id"], &Value::Null));
    assert_eq!(read(&agent, id_of(&new)).await["supersededBy"], last["id"]);
}

#[tokio::test]
async fn the_webhook_names_the_successor() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let agent = world.person().await.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let old = agent.request_approval().await;
    let new = agent.send(asking_instead_of(&old)).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let cancelled_at = read(&agent, &old).await["review"]["cancelledAt"].clone();
    assert_eq!(
        receiver.wait_for(1).await[0].json(),
        json!({
            "event": "review:cancelled", "channelId": agent.channel, "message_id": old, "review_type": "approval",
            "reason": null, "supersededBy": new["id"], "cancelled_at": cancelled_at,
        })
    );
    assert!(driver.next_delivery_within(1).await.is_none());
}

#[tokio::test]
async fn equal_calls_at_once_make_one_message() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for round in 0..5 {
        let old = agent.request_approval().await;
        let mut body = asking_instead_of(&old);
        body["clientId"] = json!(format!("ask again {round}"));
        let replies = join_all((0..8).map(|_| agent.send(body.clone()))).await;
        let new = replies[0].expect(201);
        assert!(replies.iter().all(|reply| reply.expect(201) == new));
        assert_eq!(read(&agent, &old).await["supersededBy"], new["id"]);
        assert_eq!(agent.send(body.clone()).await.expect(201), new);
        body["text"] = json!("something else");
        agent.send(body).await.expect_error(409, "idempotency_conflict");
        assert_eq!(count_messages(&agent).await, 2 * (round + 1));
    }
}

#[tokio::test]
async fn of_several_successors_at_once_one_is_made() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let old = agent.request_approval().await;
    let replies = join_all((0..12).map(|_| agent.send(asking_instead_of(&old)))).await;
    let made: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(made.len(), 1);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.expect_error(409, "already_cancelled");
    }
    assert_eq!(read(&agent, &old).await["supersededBy"], made[0].json()["id"]);
    assert_eq!(count_messages(&agent).await, 2);
}

#[tokio::test]
async fn what_cannot_be_superseded_is_refused_and_nothing_is_made() {
    let world = World::isolated().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, second, stranger) = (person.agent().await, person.agent().await, other.agent().await);
    let plain = agent.create_message(json!({ "text": "no question" })).await;
    let (elsewhere, foreign) = (second.request_approval().await, stranger.request_approval().await);
    for id in ["msg_nothing", &elsewhere, &foreign, &plain] {
        assert_eq!(agent.send(asking_instead_of(id)).await.expect_invalid(), ["supersedes"], "{id}");
    }
    let mut body = asking_instead_of(&plain);
    body["supersedes"] = json!(7);
    assert_eq!(agent.send(body).await.expect_invalid(), ["supersedes"]);

    let (answered, cancelled, expired) =
        (agent.request_approval().await, agent.request_approval().await, agent.request_approval().await);
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    agent.cancel(&cancelled, json!({})).await.expect(200);
    agent.send(asking_instead_of(&answered)).await.expect_error(409, "already_decided");
    agent.send(asking_instead_of(&cancelled)).await.expect_error(409, "already_cancelled");
    let pending = agent.request_approval().await;
    let mut other = asking_instead_of(&pending);
    other["iterationOf"] = json!(agent.request_approval().await);
    assert_eq!(agent.send(other).await.expect_invalid(), ["iterationOf"]);
    agent.delete_in_channel(&format!("/api/v1/messages/{pending}")).await.expect(200);
    assert_eq!(agent.send(asking_instead_of(&pending)).await.expect_invalid(), ["supersedes"]);
    world.advance_clock(2 * DAY);
    agent.send(asking_instead_of(&expired)).await.expect_error(409, "review_expired");
    assert_eq!(count_messages(&agent).await, 5);
    assert_eq!(
        (read(&second, &elsewhere).await["supersededBy"].clone(), count_messages(&stranger).await),
        (Value::Null, 1)
    );
}

#[tokio::test]
async fn a_revision_may_supersede_what_it_revises() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let revising = |old: &str| {
        let mut body = asking_instead_of(old);
        body["iterationOf"] = json!(old);
        body
    };
    let first = agent.request_approval().await;
    let second = agent.send(revising(&first)).await.expect(201);
    assert_eq!((&second["iterationGroupId"], &second["iteration"]), (&json!(first), &json!(2)));
    let replaced = read(&agent, &first).await;
    assert_eq!((&replaced["supersededBy"], &replaced["iteration"]), (&second["id"], &json!(1)));
    assert_eq!(replaced["review"]["status"], "cancelled");
    // The chain is there already.
    let third = agent.send(revising(id_of(&second))).await.expect(201);
    assert_eq!((&third["iterationGroupId"], &third["iteration"]), (&json!(first), &json!(3)));
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{first}")).await.expect(200);
    assert_eq!(
        chain["iterations"].as_array().unwrap().iter().map(id_of).collect::<Vec<_>>(),
        [&first, id_of(&second), id_of(&third)]
    );

    // What was decided first can be revised, and is not superseded.
    person.answer(id_of(&third), json!({ "selectedOption": "reject" })).await.expect(201);
    agent.send(revising(id_of(&third))).await.expect_error(409, "already_decided");
    // Of several at once one is made.
    let old = agent.request_approval().await;
    let replies = join_all((0..8).map(|_| agent.send(revising(&old)))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(
        replies.iter().all(|reply| reply.status == 201 || reply.expect_error(409, "already_cancelled").is_object())
    );
    assert_eq!(agent.send(revising(&agent.request_approval().await)).await.calls_and_round_trips(), (2, 2));
}

#[tokio::test]
async fn a_draft_supersedes_once() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let (old, other) = (agent.request_approval().await, agent.request_approval().await);
    let draft = |text: &str, old: &str| json!({ "text": text, "streamId": "s", "streamState": "streaming", "review": { "type": "approval" }, "supersedes": old });
    let new = agent.send(draft("a", &old)).await.expect(201);
    assert_eq!(agent.send(draft("ab", &old)).await.expect(201)["id"], new["id"]);
    assert_eq!(agent.send(draft("abc", &other)).await.expect_invalid(), ["supersedes"]);
    assert_eq!(read(&agent, &old).await["supersededBy"], new["id"]);
    assert_eq!(read(&agent, &other).await["review"]["status"], "pending");
}

#[tokio::test]
async fn superseding_costs_no_further_call() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let old = agent.request_approval().await;
    assert_eq!(agent.send(asking_instead_of(&old)).await.calls_and_round_trips(), (2, 2));
}

#[tokio::test]
async fn a_long_lived_review_is_pending_for_up_to_30_days() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let days_left = async |review: Value| {
        let sent = agent.send(json!({ "text": "?", "review": review })).await.expect(201);
        let time = |value: &Value| Timestamp::parse(value.as_str().unwrap()).unwrap();
        let left = time(&sent["createdAt"]).until(time(&sent["review"]["expiresAt"]));
        (id_of(&sent).to_owned(), left.as_secs_f64() / DAY.as_secs_f64())
    };
    let in_days = |days: u64| world.app.clock.now().plus(days as u32 * DAY).to_string();
    for (review, days) in [
        (json!({ "type": "approval", "longLived": true, "expiresInSeconds": 60 * 24 * 3600 }), 30.0),
        (json!({ "type": "approval", "longLived": true, "expiresAt": in_days(45) }), 30.0),
        (json!({ "type": "approval", "longLived": true, "expiresInSeconds": 7 * 24 * 3600 }), 7.0),
        (json!({ "type": "approval", "longLived": true }), 1.0),
        (json!({ "type": "approval", "longLived": false, "expiresInSeconds": 7 * 24 * 3600 }), 1.5),
        (json!({ "type": "approval", "expiresAt": in_days(45) }), 1.5),
    ] {
        let (_, left) = days_left(review.clone()).await;
        assert!((left - days).abs() < 0.001, "{review}: {left}");
    }
    let wrong = json!({ "text": "?", "review": { "type": "approval", "longLived": "yes" } });
    assert_eq!(agent.send(wrong).await.expect_invalid(), ["review.longLived"]);

    let (id, _) = days_left(json!({ "type": "approval", "longLived": true, "expiresInSeconds": 60 * 24 * 3600 })).await;
    world.advance_clock(29 * DAY);
    // Sessions last seven days.
    person.sign_in().await.expect(200);
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
}
