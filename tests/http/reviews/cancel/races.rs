//! Concurrent answer, cancellation, superseding, expiry and deletion of one review: one outcome, one event and
//! one webhook, on which all callers and lists agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

use crate::reviews::races::{Decisions, HeadStart, all_received, create_reviews, delay, race_count, start_workers};
use crate::support::delivery_driver::set_agent_webhook;
use crate::support::receiver::{ReceivedRequest, Receiver};

/// Races at a time.
const CONCURRENCY: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Each is certainly first in one of a hundred races.
const CONTENDERS: [&str; 5] = ["answer", "cancel", "supersede", "delete", "expiry"];

/// A response: its status and its body.
type Response = (u16, Value);

/// What each caller of one race got, and what is stored afterwards.
#[derive(Debug)]
struct Race {
    id: String,
    answer: Response,
    cancel: Response,
    supersede: Response,
    /// Only every third race has a deletion.
    delete: Option<u16>,
    /// Even races have a wait, odd ones a read.
    seen: Response,
    /// `None` if the message was deleted.
    stored: Option<Value>,
    /// The messages that say that they supersede this one.
    successors: Vec<Value>,
    /// The lists of reviews that show it, by their status.
    lists: Vec<&'static str>,
}

fn response(reply: Reply) -> Response {
    (reply.status, reply.json())
}

/// Runs all callers on one review, in an order that depends on the race's number.
async fn run_race(person: &Person, agent: &Agent, id: &str, number: usize, start: &HeadStart) -> Race {
    let answer = start.run("answer", async {
        delay(number, 7).await;
        response(person.answer(id, json!({ "number": number })).await)
    });
    let cancel = start.run("cancel", async {
        delay(number, 53).await;
        response(agent.cancel(id, json!({ "reason": format!("reason {number}") })).await)
    });
    let supersede = start.run("supersede", async {
        delay(number, 29).await;
        response(agent.send(json!({ "text": format!("successor {number}"), "supersedes": id })).await)
    });
    let delete = start.run("delete", async {
        if !number.is_multiple_of(3) && !start.is_certain_for("delete") {
            return None;
        }
        delay(number, 41).await;
        Some(agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.status)
    });
    let seen = async {
        if number.is_multiple_of(2) {
            return response(agent.wait(id, 25_000).await);
        }
        delay(number, 3).await;
        response(agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await)
    };
    let (answer, cancel, supersede, delete, seen) = tokio::join!(answer, cancel, supersede, delete, seen);
    let (stored, successors, lists) = (None, vec![], vec![]);
    Race { id: id.to_owned(), answer, cancel, supersede, delete, seen, stored, successors, lists }
}

/// Runs several races concurrently, during which their reviews fall due.
async fn run_races(world: &World, person: &Person, agent: &Agent, first: usize) -> Vec<Race> {
    let ids = create_reviews(world, agent, CONCURRENCY).await;
    let starts: Vec<_> = (first..first + CONCURRENCY).map(|number| HeadStart::new(number, &CONTENDERS)).collect();
    let races = ids.iter().zip(&starts).enumerate();
    let races = races.map(|(index, (id, start))| run_race(person, agent, id, first + index, start));
    let expire = HeadStart::run_for_all(&starts, "expiry", async {
        delay(first / CONCURRENCY, 11).await;
        world.advance_clock(MINUTE);
        let report = expiry::handle(&world.function("expiry")).await.expect("a run");
        assert_eq!(report.failed, 0);
    });
    let mut races = tokio::join!(join_all(races), expire).0;
    let newest = agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200)["data"].clone();
    let newest = newest.as_array().unwrap();
    for race in &mut races {
        race.stored = newest.iter().find(|it| it["id"] == race.id.as_str()).cloned();
        race.successors = newest.iter().filter(|it| it["supersedes"] == race.id.as_str()).cloned().collect();
    }
    for status in ["pending", "completed", "expired", "cancelled"] {
        let list = person.get(&format!("/api/messages/reviews?status={status}")).await.expect(200);
        let listed: BTreeSet<_> = list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
        races.iter_mut().filter(|race| listed.contains(race.id.as_str())).for_each(|race| race.lists.push(status));
    }
    races
}

/// The outcome that a refusal names.
fn outcome_of_refusal(refused: &Response) -> Option<&'static str> {
    let (status, body) = refused;
    match (status, body["code"].as_str().unwrap_or_default()) {
        (403, "review_already_responded") | (409, "already_decided") => Some("completed"),
        (403 | 409, "review_expired") => Some("expired"),
        (403, "review_cancelled") | (409, "already_cancelled") => Some("cancelled"),
        // The message was deleted.
        (404, "not_found") => None,
        (400, "validation_failed") if body["errors"][0]["code"] == "unknown_message" => None,
        _ => panic!("no refusal of a race: {refused:?}"),
    }
}

/// Asserts at most one outcome, with which every response agrees.
#[track_caller]
fn check(race: &Race, decided: &[String]) {
    assert!(decided.len() <= 1, "decided {decided:?}: {race:?}");
    let outcome = decided.first().map(String::as_str);
    let superseded = race.supersede.0 == 201;
    assert_eq!(outcome == Some("completed"), race.answer.0 == 201, "{outcome:?}: {race:?}");
    assert!(!superseded || outcome == Some("cancelled"), "{outcome:?}: {race:?}");
    assert_eq!(race.successors.len(), usize::from(superseded), "{race:?}");
    // A cancellation of what is superseded is a repeat.
    assert!(race.cancel.0 != 200 || outcome == Some("cancelled"), "{outcome:?}: {race:?}");
    assert!(outcome != Some("cancelled") || superseded || race.cancel.0 == 200, "{outcome:?}: {race:?}");
    for (refused, made) in [(&race.answer, 201), (&race.cancel, 200), (&race.supersede, 201)] {
        if refused.0 != made {
            let named = outcome_of_refusal(refused);
            assert!(named.is_none() && race.delete.is_some() || named == outcome, "{outcome:?}: {race:?}");
        }
    }
    match &race.stored {
        None => assert_eq!((race.delete, race.lists.len()), (Some(200), 0), "{race:?}"),
        Some(message) => {
            let review = &message["review"];
            assert!(matches!(race.delete, None | Some(404)), "a deleted review still exists: {race:?}");
            assert_eq!((&review["status"], &race.lists[..]), (&json!(outcome), &[outcome.unwrap()][..]), "{race:?}");
            assert_eq!(review["response"].is_null(), outcome != Some("completed"), "{race:?}");
            assert_eq!(review["cancelledAt"].is_null(), outcome != Some("cancelled"), "{race:?}");
            let successor = race.successors.first().map_or(&Value::Null, |new| &new["id"]);
            assert_eq!(&message["supersededBy"], successor, "{race:?}");
            assert_eq!(review["cancelReason"].is_null(), outcome != Some("cancelled") || superseded, "{race:?}");
        }
    }
    check_seen(race, outcome);
}

/// Asserts that a wait or a read saw the outcome, or what was before it.
#[track_caller]
fn check_seen(race: &Race, outcome: Option<&str>) {
    let (status, body) = &race.seen;
    let seen = if body["message"].is_object() { &body["message"]["review"] } else { &body["review"] };
    match status {
        404 => assert_eq!(race.delete, Some(200), "{race:?}"),
        _ if seen["status"] == "pending" => assert!(body["message"].is_null(), "a wait answered too early: {race:?}"),
        _ => {
            assert_eq!(seen["status"], json!(outcome), "{race:?}");
            if let Some(stored) = &race.stored {
                assert_eq!(seen, &stored["review"], "{race:?}");
            }
        }
    }
}

/// Asserts one webhook-id for a decided review, and none for others.
#[track_caller]
fn check_webhooks(received: &[&ReceivedRequest], decided: &[String], race: &Race) {
    let ids: BTreeSet<_> = received.iter().map(|it| it.id()).collect();
    assert_eq!(ids.len(), decided.len(), "{decided:?} and {ids:?}: {race:?}");
    for body in received.iter().map(|it| it.json()) {
        let event = match decided[0].as_str() {
            "completed" => "review:responded",
            status => &format!("review:{status}"),
        };
        let successor = race.successors.first().map_or(&Value::Null, |new| &new["id"]);
        assert_eq!((&body["event"], &body["supersededBy"]), (&json!(event), successor), "{race:?}");
    }
}

#[allow(clippy::print_stdout, reason = "the counts are for the developer")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_answer_cancel_supersede_expiry_and_deletion_have_one_outcome() {
    let (world, receiver, decisions) = (World::isolated().await, Receiver::start([]).await, Decisions::default());
    let workers = start_workers(&world, &decisions).await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let (count, began) = (race_count(&world), Instant::now());
    let mut races = vec![];
    while races.len() < count {
        races.extend(run_races(&world, &person, &agent, races.len()).await);
    }
    let last = create_reviews(&world, &agent, 1).await.remove(0);
    agent.cancel(&last, json!({})).await.expect(200);
    let received = all_received(&receiver, &decisions, &last).await;
    workers.stop().await;

    let decisions = decisions.lock().unwrap();
    let mut webhooks = BTreeMap::<_, Vec<&ReceivedRequest>>::new();
    for one in &received {
        webhooks.entry(one.json()["message_id"].as_str().unwrap().to_owned()).or_default().push(one);
    }
    for race in &races {
        let decided = decisions.get(&race.id).map_or(&[][..], Vec::as_slice);
        check(race, decided);
        check_webhooks(webhooks.get(&race.id).map_or(&[][..], Vec::as_slice), decided, race);
    }
    let ended =
        |how: &str| races.iter().filter(|race| decisions.get(&race.id).is_some_and(|all| all == &[how])).count();
    let (completed, expired, cancelled) = (ended("completed"), ended("expired"), ended("cancelled"));
    let superseded = races.iter().filter(|race| race.supersede.0 == 201).count();
    let deleted = races.iter().filter(|race| race.stored.is_none()).count();
    println!(
        "{} races in {:?}: {completed} answered, {expired} expired, {cancelled} cancelled ({superseded} of them \
         superseded), {deleted} deleted; {} webhooks",
        races.len(),
        began.elapsed(),
        received.len() - 1
    );
    assert!([completed, expired, cancelled - superseded, superseded, deleted].iter().all(|it| *it > 0), "each occurs");
}
