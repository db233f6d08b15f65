//! Answers reach webhooks by themselves, whatever stops or dies when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::rng;
use test_support::{Agent, Runner, World};

use crate::runner::start_and_stop::start_writers;
use crate::support::receiver::{ReceivedRequest, Receiver, ResponsePlan};

async fn hook(agent: &Agent, url: &str) {
    agent.post("/api/v1/agents/setWebhook", json!({ "channelId": agent.channel, "url": url })).await.expect(200);
}

fn approve() -> Value {
    json!({ "selectedOption": "approve" })
}

#[tokio::test]
async fn an_answer_reaches_its_webhook() {
    let world = World::delivering().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let receiver = Receiver::start([]).await;
    hook(&agent, &receiver.url).await;
    let id = agent.request_approval().await;
    person.answer(&id, approve()).await.expect(201);
    let delivered = receiver.wait_for(1).await;
    assert_eq!(delivered[0].json()["message_id"], id);
    // Asked for once more, it goes once more under its id.
    person.post(&format!("/api/messages/{id}/retry"), json!({})).await.expect(200);
    let again = receiver.wait_for(2).await;
    assert_eq!(again[1].id(), delivered[0].id());
}

#[tokio::test]
async fn pending_deliveries_are_sent_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::start([ResponsePlan::Close]).await;
    let mut first = Runner::start_delivering(dir.path()).await;
    let (agent, person) = (first.agent(), first.person().await);
    hook(&agent, &receiver.url).await;
    let id = agent.request_approval().await;
    person.answer(&id, approve()).await.expect(201);
    let failed = receiver.wait_for(1).await;
    assert_eq!(first.terminate().await, Some(0));

    let _second = Runner::start_delivering(dir.path()).await;
    let delivered = receiver.wait_for(2).await;
    assert_eq!((delivered[1].id(), &delivered[1].json()["message_id"]), (failed[0].id(), &json!(id)));
}

const KILLS: u32 = 20;
const ANSWERS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "the figures are for people")]
async fn kills_at_any_moment_lose_no_answer_and_repeat_no_delivery_id() {
    let (dir, receiver) = (TempDir::new().unwrap(), Receiver::start([]).await);
    let mut random = rng::from_env();
    let (mut told, began) = (vec![], Instant::now());
    for life in 0..KILLS {
        let mut runner = Runner::start_delivering(dir.path()).await;
        let (agent, person) = (runner.agent(), runner.person().await);
        if life == 0 {
            hook(&agent, &receiver.url).await;
        }
        let writers = start_writers(2, &agent, &person, life);
        // At any point of an answer and its delivery.
        receiver.wait_for(receiver.received().len() + 3 + random.usize(..6)).await;
        tokio::time::sleep(Duration::from_micros(random.usize(..50_000) as u64)).await;
        runner.kill().await;
        for writer in writers {
            let (_, answers) = writer.await.unwrap();
            told.extend(answers);
        }
    }
    let runner = Runner::start_delivering(dir.path()).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    while told.len() < ANSWERS {
        let id = agent.request_approval().await;
        person
            .post(&format!("/api/messages/{id}/respond"), json!({ "response": approve(), "feedback": "in peace" }))
            .await
            .expect(201);
        told.push((id, "in peace".to_owned()));
    }
    let stored = stored_answers(&agent).await;
    for (id, feedback) in &told {
        assert_eq!(stored.get(id), Some(feedback), "what was told to be stored is");
    }
    let received = everything(&receiver, &stored).await;
    let ids = by_message(&received);
    for (id, feedback) in &stored {
        let mine = received.iter().filter(|it| it.json()["message_id"] == **id);
        assert!(mine.clone().all(|it| it.json()["feedback"] == **feedback), "{id}");
        assert_eq!(ids[id].len(), 1, "one id for all of {id}'s: {:?}", ids[id]);
    }
    assert_eq!(ids.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>(), "nothing else was delivered");
    assert_eq!(ids.values().flatten().collect::<BTreeSet<_>>().len(), ids.len(), "no two share an id");
    eprintln!(
        "{KILLS} kills: {} answers told to be stored, {} stored, {} of them delivered, 0 lost, 0 under two ids; {} \
         requests for them, {} repeated; {:?}",
        told.len(),
        stored.len(),
        ids.len(),
        received.len(),
        received.len() - ids.len(),
        began.elapsed()
    );
}

/// The feedback of every answer that is stored, by message.
async fn stored_answers(agent: &Agent) -> BTreeMap<String, String> {
    let (mut stored, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = agent.get_in_channel(&format!("/api/v1/messages?limit=100&cursor={cursor}")).await.expect(200);
        let completed = page["data"].as_array().unwrap().iter().filter(|it| it["review"]["status"] == "completed");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        stored.extend(completed.map(|it| (text(&it["id"]), text(&it["review"]["feedback"]))));
        let Some(next) = page["nextCursor"].as_str() else { return stored };
        cursor = next.to_owned();
    }
}

/// What was received, once something of every stored answer was.
async fn everything(receiver: &Receiver, stored: &BTreeMap<String, String>) -> Vec<ReceivedRequest> {
    loop {
        let received = receiver.received();
        let ids = by_message(&received);
        if stored.keys().all(|id| ids.contains_key(id)) {
            return received;
        }
        receiver.wait_for(received.len() + 1).await;
    }
}

/// The webhook-ids under which each message's event came.
fn by_message(received: &[ReceivedRequest]) -> BTreeMap<String, BTreeSet<String>> {
    let mut ids = BTreeMap::<_, BTreeSet<_>>::new();
    for it in received {
        let message = it.json()["message_id"].as_str().unwrap().to_owned();
        ids.entry(message).or_default().insert(it.id().to_owned());
    }
    ids
}
