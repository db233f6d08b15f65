//! `GET /api/messages/{id}/history` and `GET /api/v1/messages/{id}/history`: what happened to a review, and what is kept
//! when its message is deleted.

use std::time::Duration;

use serde_json::{Value, json};
use shared::http::App;
use shared::storage::keys;
use test_support::{Agent, Person, Reply, World};

use crate::reviews::races::{HeadStart, delay, race_count};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A review about an act, whose amount may be edited.
fn act() -> Value {
    let action = json!({ "name": "transfer", "args": { "amount": 82000, "to": "Ada" }, "editable": ["/amount"] });
    json!({ "text": "May I?", "review": { "type": "approval", "action": action } })
}

fn with_amount(amount: u32) -> Value {
    json!({ "selectedOption": "approve", "editedArgs": { "amount": amount, "to": "Ada" } })
}

fn approve() -> Value {
    json!({ "selectedOption": "approve" })
}

/// The history, which the person and the agent's key read alike.
async fn history(person: &Person, agent: &Agent, id: &str) -> Value {
    let found = person.get(&format!("/api/messages/{id}/history")).await.expect(200);
    assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}/history")).await.expect(200), found);
    assert_eq!(agent.get(&format!("/api/v1/messages/{id}/history")).await.expect(200), found);
    found
}

async fn assert_no_history(person: &Person, agent: &Agent, id: &str) {
    person.get(&format!("/api/messages/{id}/history")).await.expect_error(404, "not_found");
    agent.get(&format!("/api/v1/messages/{id}/history")).await.expect_error(404, "not_found");
}

fn entries(history: &Value) -> &Vec<Value> {
    history["entries"].as_array().expect("entries")
}

/// The events with where they happened.
fn events(history: &Value) -> Vec<(&str, Option<&str>)> {
    entries(history).iter().map(|it| (it["event"].as_str().unwrap(), it["surface"].as_str())).collect()
}

async fn consume(agent: &Agent, id: &str, digest: &Value) -> Reply {
    agent.post(&format!("/api/v1/reviews/{id}/consume"), json!({ "actionDigest": digest })).await
}

async fn delete(agent: &Agent, id: &str) {
    agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
}

#[tokio::test]
async fn a_history_tells_who_did_what_when_and_where() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let sent = agent.send(act()).await.expect(201);
    let id = sent["id"].as_str().unwrap();
    let before = history(&person, &agent, id).await;
    assert_eq!((events(&before), &before["decision"]), (vec![("created", None)], &Value::Null));
    // Only the first time that a person opens it counts.
    for _ in 0..2 {
        assert_eq!(person.get(&format!("/reviews/{id}")).await.status, 200);
        person.get(&format!("/api/messages/{id}")).await.expect(200);
    }
    let answered = person.answer(id, with_amount(820)).await.expect(201);
    let (user, review) = (person.user_id().await, &answered["review"]);
    let entry = |event: &str, at: &Value, actor: (&str, &str), surface: Option<&str>, edits: Value| {
        json!({
            "at": at, "event": event, "actorType": actor.0, "actorId": actor.1, "surface": surface,
            "edits": edits, "reason": null, "supersededBy": null,
        })
    };
    let expected = json!({
        "messageId": id, "deletedAt": null, "actionName": "transfer", "actionDigest": review["actionDigest"],
        "decision": review["decision"],
        "entries": [
            entry("created", &sent["createdAt"], ("agent", &agent.channel), None, Value::Null),
            entry("seen", &review["seenAt"], ("user", &user), Some("page"), Value::Null),
            entry("decided", &review["completedAt"], ("user", &user), Some("api"), json!(["/amount"])),
        ],
    });
    let after = history(&person, &agent, id).await;
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&after[name], value, "{name}");
    }
    assert_ne!(review["decision"]["actionDigest"], review["actionDigest"]);
    assert_eq!((&after["receipt"], &after["consumedAt"]), (&review["receipt"], &Value::Null));

    let consumed = consume(&agent, id, &review["decision"]["actionDigest"]).await.expect(200);
    let shown = history(&person, &agent, id).await;
    assert_eq!(entries(&shown).len(), 4);
    let last = entry("consumed", &consumed["consumedAt"], ("agent", &agent.channel), None, Value::Null);
    assert_eq!((&entries(&shown)[3], &shown["consumedAt"]), (&last, &consumed["consumedAt"]));
    assert_eq!(entries(&shown)[..3], entries(&after)[..]);
}

#[tokio::test]
async fn a_history_tells_the_surface_of_an_answer_and_every_other_end() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let ask = async || agent.request_approval().await;
    let (answered, cancelled, superseded, expired) = (ask().await, ask().await, ask().await, ask().await);
    person.get(&format!("/api/messages/{answered}")).await.expect(200);
    let form = [("option", "approve"), ("comment", ""), ("feedback", "")];
    assert_eq!(person.submit_form(&format!("/reviews/{answered}"), &form).await.status, 303);
    let shown = history(&person, &agent, &answered).await;
    assert_eq!(events(&shown), [("created", None), ("seen", Some("api")), ("decided", Some("page"))]);

    agent.cancel(&cancelled, json!({ "reason": "not needed" })).await.expect(200);
    let shown = history(&person, &agent, &cancelled).await;
    let last = entries(&shown).last().unwrap();
    assert_eq!(
        (&last["event"], &last["reason"], &last["actorId"]),
        (&json!("cancelled"), &json!("not needed"), &json!(agent.channel))
    );

    let new = agent.send(json!({ "text": "better", "supersedes": superseded })).await.expect(201);
    let shown = history(&person, &agent, &superseded).await;
    assert_eq!(entries(&shown).last().unwrap()["supersededBy"], new["id"]);
    // A message without a review was created, and that is all.
    let shown = history(&person, &agent, new["id"].as_str().unwrap()).await;
    assert_eq!((events(&shown), &shown["actionDigest"]), (vec![("created", None)], &Value::Null));

    world.advance_clock(2 * DAY);
    // The reading itself finds that it is due.
    let shown = history(&person, &agent, &expired).await;
    let stored = agent.get_in_channel(&format!("/api/v1/reviews/{expired}")).await.expect(200);
    let last = entries(&shown).last().unwrap();
    assert_eq!(
        (&last["event"], &last["at"], &last["actorId"]),
        (&json!("expired"), &stored["review"]["expiresAt"], &Value::Null)
    );
}

#[tokio::test]
async fn the_history_of_a_decided_act_outlives_its_message_and_its_agent() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let (alone, with_agent) = (agent.create_message(act()).await, agent.create_message(act()).await);
    let mut before = vec![];
    for id in [&alone, &with_agent] {
        let answered = person.answer(id, with_amount(820)).await.expect(201);
        consume(&agent, id, &answered["review"]["decision"]["actionDigest"]).await.expect(200);
        before.push(history(&person, &agent, id).await);
    }
    delete(&agent, &alone).await;
    let kept = history(&person, &agent, &alone).await;
    person.delete_fully(&format!("/api/agents/{}", agent.channel)).await;
    for (id, before) in [alone, with_agent].iter().zip(before) {
        // Another agent of the person has the same key in this test; what counts is the user.
        let mut kept = person.get(&format!("/api/messages/{id}/history")).await.expect(200);
        assert_eq!(other.get(&format!("/api/v1/messages/{id}/history")).await.expect(200), kept);
        assert!(kept["deletedAt"].is_string());
        kept["deletedAt"] = Value::Null;
        assert_eq!(kept, before);
        agent.get(&format!("/api/v1/messages/{id}")).await.expect_error(403, "not_your_agent");
    }
    assert!(kept["deletedAt"].is_string());
}

#[tokio::test]
async fn nothing_is_kept_of_other_messages() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (plain, pending, cancelled) =
        (agent.request_approval().await, agent.create_message(act()).await, agent.create_message(act()).await);
    person.answer(&plain, approve()).await.expect(201);
    agent.cancel(&cancelled, json!({})).await.expect(200);
    for id in [&plain, &pending, &cancelled] {
        history(&person, &agent, id).await;
        delete(&agent, id).await;
        assert_no_history(&person, &agent, id).await;
    }
}

#[tokio::test]
async fn a_history_is_the_users_alone() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let (agent, other) = (person.agent().await, stranger.agent().await);
    let (there, deleted) = (agent.create_message(act()).await, agent.create_message(act()).await);
    for id in [&there, &deleted] {
        person.answer(id, approve()).await.expect(201);
    }
    delete(&agent, &deleted).await;
    for id in [&there, &deleted] {
        history(&person, &agent, id).await;
        assert_no_history(&stranger, &other, id).await;
        other.get_in_channel(&format!("/api/v1/messages/{id}/history")).await.expect_error(404, "not_found");
        let path = format!("/api/v1/messages/{id}/history?channel={}", agent.channel);
        other.get(&path).await.expect_error(404, "not_found");
        // Credentials of the other kind are none.
        person.get(&format!("/api/v1/messages/{id}/history")).await.expect_error(401, "unauthorized");
        agent.get(&format!("/api/messages/{id}/history")).await.expect_error(401, "unauthorized");
    }
}

/// Keeping the history for less than the 400 days of the default is a setting.
#[tokio::test]
async fn a_kept_history_goes_when_its_time_is_over() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let app = App::clone(&world.app).keeping_history(3 * DAY);
    let shorter = agent.at(&world.serve_also(placet_local::routes(), app).await);
    let (usual, short) = (agent.create_message(act()).await, agent.create_message(act()).await);
    for (agent, id) in [(&agent, &usual), (&shorter, &short)] {
        person.answer(id, approve()).await.expect(201);
        delete(agent, id).await;
    }
    let user = person.user_id().await.parse().unwrap();
    let now = world.app.clock.now().epoch_seconds();
    let items = world.items(keys::history_partition(user), "").await;
    let mut days: Vec<i64> =
        items.iter().map(|it| (it["ttl"].as_n().unwrap().parse::<i64>().unwrap() - now + 3600) / 86_400).collect();
    days.sort_unstable();
    assert_eq!(days, [3, 400]);
    // Reads do not wait for DynamoDB to delete what is over.
    world.advance_clock(4 * DAY);
    assert_no_history(&person, &agent, &short).await;
    history(&person, &agent, &usual).await;
}

#[tokio::test]
async fn the_deletion_of_the_account_deletes_kept_histories() {
    let world = World::start().await;
    let (owner, member) = (world.person().await, world.member().await);
    let agent = member.agent().await;
    let (deleted, left) = (agent.create_message(act()).await, agent.create_message(act()).await);
    for id in [&deleted, &left] {
        member.answer(id, approve()).await.expect(201);
    }
    delete(&agent, &deleted).await;
    let user = member.user_id().await;
    owner.delete_fully(&format!("/api/users/{user}")).await;
    assert!(world.items(keys::history_partition(user.parse().unwrap()), "").await.is_empty());
}

/// An answer that was accepted is in the history, whatever happens to its message at the same moment.
#[tokio::test]
async fn an_answer_and_a_deletion_at_once_lose_no_history() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut answered = 0;
    for number in 0..race_count(&world) {
        let id = agent.create_message(act()).await;
        let start = HeadStart::new(number, &["answer", "delete"]);
        let (answer, ()) = tokio::join!(
            start.run("answer", async {
                delay(number, 7).await;
                person.answer(&id, with_amount(number as u32)).await
            }),
            start.run("delete", async {
                delay(number, 13).await;
                delete(&agent, &id).await;
            })
        );
        match answer.status {
            201 => {
                answered += 1;
                let kept = history(&person, &agent, &id).await;
                assert_eq!(kept["decision"], answer.json()["review"]["decision"], "{number}");
            }
            _ => {
                answer.expect_error(404, "not_found");
                assert_no_history(&person, &agent, &id).await;
            }
        }
    }
    assert!(answered > 0, "some answers are first");
}

/// An approval that was consumed is consumed in the history, whatever happens to its message at the same moment.
#[tokio::test]
async fn a_consumption_and_a_deletion_at_once_lose_no_history() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut consumed = 0;
    for number in 0..race_count(&world) {
        let id = agent.create_message(act()).await;
        let digest = person.answer(&id, approve()).await.expect(201)["review"]["decision"]["actionDigest"].clone();
        let start = HeadStart::new(number, &["consume", "delete"]);
        let (reply, ()) = tokio::join!(
            start.run("consume", async {
                delay(number, 7).await;
                consume(&agent, &id, &digest).await
            }),
            start.run("delete", async {
                delay(number, 13).await;
                delete(&agent, &id).await;
            })
        );
        let shown = history(&person, &agent, &id).await;
        let consumed_at = if reply.status == 200 { reply.json()["consumedAt"].clone() } else { Value::Null };
        assert_eq!(shown["consumedAt"], consumed_at, "{number}: {}", reply.text());
        assert_eq!(entries(&shown).len(), if reply.status == 200 { 3 } else { 2 }, "{number}");
        consumed += usize::from(reply.status == 200);
    }
    assert!(consumed > 0, "some consumptions are first");
}

#[tokio::test]
async fn a_history_is_one_read_and_costs_the_message_nothing() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(act()).await;
    assert_eq!(person.answer(&id, approve()).await.calls_and_round_trips(), (2, 2));
    let read = async || agent.get(&format!("/api/v1/messages/{id}/history")).await.calls_and_round_trips();
    assert_eq!(read().await, (1, 1));
    assert_eq!(agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.calls_and_round_trips(), (2, 2));
    assert_eq!(read().await, (1, 1));
    assert_eq!(person.get(&format!("/api/messages/{id}/history")).await.calls_and_round_trips(), (1, 1));
}
