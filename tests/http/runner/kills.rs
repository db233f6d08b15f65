//! SIGKILL while reviews are answered, cancelled and superseded, and approvals are consumed: what was acknowledged is stored, what was not is
//! stored as a whole or not at all, and each outcome is delivered under one webhook-id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Person, Reply, Runner, rng};
use tokio::task::JoinHandle;

use crate::support::receiver::{ReceivedRequest, Receiver};

/// How many times the runner is killed.
const KILLS: u32 = 12;
/// Writers at a time.
const WRITERS: u32 = 3;

/// How a review was ended by a writer, and whether that was acknowledged.
#[derive(Debug)]
struct Ending {
    id: String,
    status: &'static str,
    acknowledged: bool,
    /// The digest with which the approval was then consumed, and when, if that was acknowledged.
    consumed: Option<(Value, Option<Value>)>,
    /// The body that superseded the review.
    successor: Option<Value>,
}

fn question() -> Value {
    let action = json!({ "name": "pay", "args": { "amount": 7 }, "editable": ["/amount"] });
    json!({ "text": "?", "review": { "type": "approval", "action": action } })
}

/// Ends one review after another, each in the next of the three ways, until the connection fails.
async fn write_until_killed(agent: Agent, person: Person, writer: u32) -> Vec<Ending> {
    let mut endings = vec![];
    for number in 0.. {
        let Some(asked) = post(&agent, "/api/v1/messages", in_channel(&agent, question())).await else { break };
        let id = asked["id"].as_str().unwrap().to_owned();
        let mut consumed = None;
        let (status, successor, ended) = match number % 3 {
            0 => {
                let answer = json!({ "response": { "selectedOption": "approve", "editedArgs": { "amount": number } } });
                let request = person.request(Method::POST, &format!("/api/messages/{id}/respond")).json(&answer);
                let answered = accepted(request).await;
                if let Some(digest) = answered.as_ref().map(|it| it["review"]["decision"]["actionDigest"].clone()) {
                    let reply = accepted(consumption(&agent, &id, &digest, &id)).await;
                    consumed = Some((digest, reply.map(|it| it["consumedAt"].clone())));
                }
                ("completed", None, answered.is_some())
            }
            1 => {
                let path = format!("/api/v1/reviews/{id}/cancel");
                ("cancelled", None, post(&agent, &path, json!({ "reason": id })).await.is_some())
            }
            _ => {
                let mut body = in_channel(&agent, json!({ "text": "better", "supersedes": id }));
                body["clientId"] = json!(format!("{writer} {number}"));
                let made = post(&agent, "/api/v1/messages", body.clone()).await.is_some();
                ("cancelled", Some(body), made)
            }
        };
        endings.push(Ending { id, status, acknowledged: ended, consumed, successor });
        if !ended {
            break;
        }
    }
    endings
}

fn in_channel(agent: &Agent, mut body: Value) -> Value {
    body["channelId"] = json!(agent.channel);
    body
}

/// A call that consumes an approval, under an idempotency key.
fn consumption(agent: &Agent, id: &str, digest: &Value, key: &str) -> reqwest::RequestBuilder {
    let request = agent.request(Method::POST, &format!("/api/v1/reviews/{id}/consume"));
    request.header("Idempotency-Key", key).json(&json!({ "actionDigest": digest }))
}

/// Asserts that an approval is consumed once: the repeat of the call gives what was acknowledged, or what was
/// stored; another call is refused.
async fn check_consumption(agent: &Agent, id: &str, digest: &Value, acknowledged: Option<&Value>) {
    let repeated = Reply::fetch(consumption(agent, id, digest, id)).await.expect(200)["consumedAt"].clone();
    assert!(acknowledged.is_none_or(|at| *at == repeated), "{id}: {acknowledged:?}, then {repeated}");
    let other = Reply::fetch(consumption(agent, id, digest, "another call")).await;
    assert_eq!(other.expect_error(409, "already_consumed")["consumedAt"], repeated);
    let history = agent.get(&format!("/api/v1/messages/{id}/history")).await.expect(200);
    assert_eq!(history["consumedAt"], repeated);
}

async fn post(agent: &Agent, path: &str, body: Value) -> Option<Value> {
    accepted(agent.request(Method::POST, path).json(&body)).await
}

async fn accepted(request: reqwest::RequestBuilder) -> Option<Value> {
    Reply::try_fetch(request).await.filter(|reply| reply.status < 300).map(|reply| reply.json())
}

/// All messages of the channel by their ids.
async fn stored_messages(agent: &Agent) -> BTreeMap<String, Value> {
    let (mut stored, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = agent.get_in_channel(&format!("/api/v1/messages?limit=100&cursor={cursor}")).await.expect(200);
        let messages = page["data"].as_array().unwrap().iter();
        stored.extend(messages.map(|it| (it["id"].as_str().unwrap().to_owned(), it.clone())));
        let Some(next) = page["nextCursor"].as_str() else { return stored };
        cursor = next.to_owned();
    }
}

/// Asserts that an ending is stored, if it was acknowledged, and is otherwise stored as a whole or not at all.
fn check_ending(ending: &Ending, stored: &BTreeMap<String, Value>) {
    let review = &stored[&ending.id]["review"];
    let is_ended = review["status"] == ending.status;
    assert!(is_ended || !ending.acknowledged && review["status"] == "pending", "{ending:?}: {review}");
    let is_answered = is_ended && ending.status == "completed";
    assert_eq!(is_answered, review["decision"].is_object(), "{ending:?}: {review}");
    assert_eq!(is_answered, review["response"].is_object(), "{ending:?}: {review}");
}

/// Asserts that a message and its successor name each other.
fn check_successors(stored: &BTreeMap<String, Value>) {
    for (id, message) in stored {
        if let Some(old) = message["supersedes"].as_str() {
            assert_eq!(stored[old]["supersededBy"], json!(id), "{message}");
            assert_eq!(stored[old]["review"]["status"], "cancelled", "{message}");
        }
        if let Some(new) = message["supersededBy"].as_str() {
            assert_eq!(stored[new]["supersedes"], json!(id), "{message}");
        }
    }
}

/// The events and webhook-ids that were received of each message.
fn events_by_message(received: &[ReceivedRequest]) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut events = BTreeMap::<_, BTreeSet<_>>::new();
    for it in received {
        let (body, id) = (it.json(), it.id().to_owned());
        let event = body["event"].as_str().unwrap().to_owned();
        events.entry(body["message_id"].as_str().unwrap().to_owned()).or_default().insert((event, id));
    }
    events
}

/// The events that the stored messages mean.
fn expected_events(stored: &BTreeMap<String, Value>) -> BTreeMap<String, &'static str> {
    let event = |message: &Value| match message["review"]["status"].as_str() {
        Some("completed") => Some("review:responded"),
        Some("cancelled") => Some("review:cancelled"),
        _ => None,
    };
    stored.iter().filter_map(|(id, message)| Some((id.clone(), event(message)?))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "the counts are for the developer")]
async fn kills_leave_each_outcome_whole_or_not_begun() {
    let (dir, receiver, began) = (TempDir::new().unwrap(), Receiver::start([]).await, Instant::now());
    let mut random = rng::from_env();
    let mut endings = vec![];
    for round in 0..KILLS {
        let mut runner = Runner::start_delivering(dir.path()).await;
        let (agent, person) = (runner.agent(), runner.person().await);
        if round == 0 {
            let webhook = json!({ "channelId": agent.channel, "url": receiver.url });
            agent.post("/api/v1/agents/setWebhook", webhook).await.expect(200);
        }
        let start = |writer| tokio::spawn(write_until_killed(agent.clone(), person.clone(), round * WRITERS + writer));
        let writers: Vec<JoinHandle<_>> = (0..WRITERS).map(start).collect();
        // The kill comes at a random point, after some of this round's outcomes were delivered.
        receiver.wait_for(receiver.received().len() + 2 + random.usize(..8)).await;
        tokio::time::sleep(Duration::from_micros(random.usize(..50_000) as u64)).await;
        runner.kill().await;
        for writer in writers {
            endings.extend(writer.await.unwrap());
        }
    }
    let runner = Runner::start_delivering(dir.path()).await;
    let agent = runner.agent();
    let stored = stored_messages(&agent).await;
    endings.iter().for_each(|ending| check_ending(ending, &stored));
    check_successors(&stored);
    for ending in &endings {
        if let Some((digest, at)) = &ending.consumed {
            check_consumption(&agent, &ending.id, digest, at.as_ref()).await;
        }
    }
    // A repeat makes what was not made, and gives what was.
    for ending in &endings {
        if let Some(body) = &ending.successor {
            let made = post(&agent, "/api/v1/messages", body.clone()).await.expect("a repeat is 201");
            assert!(stored.contains_key(made["id"].as_str().unwrap()) || !ending.acknowledged, "{ending:?}");
        } else if ending.status == "cancelled" {
            post(&agent, &format!("/api/v1/reviews/{}/cancel", ending.id), json!({})).await.expect("a repeat is 200");
        }
    }
    let stored = stored_messages(&agent).await;
    check_successors(&stored);
    let expected = expected_events(&stored);
    let events = loop {
        let received = receiver.received();
        let events = events_by_message(&received);
        if expected.keys().all(|id| events.contains_key(id)) {
            break events;
        }
        receiver.wait_for(received.len() + 1).await;
    };
    assert_eq!(events.len(), expected.len(), "nothing else was delivered");
    for (id, event) in &expected {
        let of_message = &events[id];
        assert!(of_message.len() == 1 && of_message.first().unwrap().0 == *event, "{id}: {of_message:?}, not {event}");
    }
    let acknowledged = endings.iter().filter(|it| it.acknowledged).count();
    let count = |status: &str| stored.values().filter(|it| it["review"]["status"] == status).count();
    let superseded = stored.values().filter(|it| it["supersededBy"].is_string()).count();
    eprintln!(
        "{KILLS} kills: {acknowledged} outcomes acknowledged; {} answered, {} cancelled, {superseded} of them \
         superseded; {} delivered, 0 lost, 0 under two ids; {:?}",
        count("completed"),
        count("cancelled"),
        events.len(),
        began.elapsed()
    );
    assert!(superseded > 0 && count("cancelled") > superseded && count("completed") > 0, "each occurs");
}
