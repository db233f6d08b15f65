//! Webhook deliveries of `placet-local`: sent without a client's help, across restarts and kills.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::rng;
use test_support::{Agent, Runner, World};

use crate::runner::start_and_stop::start_writers;
use crate::support::receiver::{ReceivedRequest, Receiver, ResponsePlan};

async fn set_webhook(agent: &Agent, url: &str) {
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
    set_webhook(&agent, &receiver.url).await;
    let id = agent.request_approval().await;
    person.answer(&id, approve()).await.expect(201);
    let delivered = receiver.wait_for(1).await;
    assert_eq!(delivered[0].json()["message_id"], id);
    // A retry sends the event again under the same webhook-id.
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
    set_webhook(&agent, &receiver.url).await;
    let id = agent.request_approval().await;
    person.answer(&id, approve()).await.expect(201);
    let failed = receiver.wait_for(1).await;
    assert_eq!(first.terminate().await, Some(0));

    let _second = Runner::start_delivering(dir.path()).await;
    let delivered = receiver.wait_for(2).await;
    assert_eq!((delivered[1].id(), &delivered[1].json()["message_id"]), (failed[0].id(), &json!(id)));
}

/// How many times the runner is killed.
const KILLS: u32 = 20;
/// How many answers the test stores at least.
const MIN_ANSWERS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr, reason = "the counts are for the developer")]
async fn kills_at_any_moment_lose_no_answer_and_repeat_no_delivery_id() {
    let (dir, receiver) = (TempDir::new().unwrap(), Receiver::start([]).await);
    let mut random = rng::from_env();
    let (mut acknowledged, began) = (vec![], Instant::now());
    for round in 0..KILLS {
        let mut runner = Runner::start_delivering(dir.path()).await;
        let (agent, person) = (runner.agent(), runner.person().await);
        if round == 0 {
            set_webhook(&agent, &receiver.url).await;
        }
        let writers = start_writers(2, &agent, &person, round);
        // The kill comes at a random point of an answer or its delivery.
        receiver.wait_for(receiver.received().len() + 3 + random.usize(..6)).await;
        tokio::time::sleep(Duration::from_micros(random.usize(..50_000) as u64)).await;
        runner.kill().await;
        for writer in writers {
            let (_, answers) = writer.await.unwrap();
            acknowledged.extend(answers);
        }
    }
    let runner = Runner::start_delivering(dir.path()).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    while acknowledged.len() < MIN_ANSWERS {
        let id = agent.request_approval().await;
        person
            .post(
                &format!("/api/messages/{id}/respond"),
                json!({ "response": approve(), "feedback": "after the kills" }),
            )
            .await
            .expect(201);
        acknowledged.push((id, "after the kills".to_owned()));
    }
    let stored = stored_answers(&agent).await;
    for (id, feedback) in &acknowledged {
        assert_eq!(stored.get(id), Some(feedback), "an acknowledged answer is stored");
    }
    let received = wait_for_all(&receiver, &stored).await;
    let ids = webhook_ids_by_message(&received);
    for (id, feedback) in &stored {
        let own = received.iter().filter(|it| it.json()["message_id"] == **id);
        assert!(own.clone().all(|it| it.json()["feedback"] == **feedback), "{id}");
        assert_eq!(ids[id].len(), 1, "one webhook-id for {id}: {:?}", ids[id]);
    }
    assert_eq!(ids.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>(), "nothing else was delivered");
    assert_eq!(ids.values().flatten().collect::<BTreeSet<_>>().len(), ids.len(), "no two messages share a webhook-id");
    eprintln!(
        "{KILLS} kills: {} answers acknowledged, {} stored, {} delivered, 0 lost, 0 under two ids; {} requests, {} \
         repeated; {:?}",
        acknowledged.len(),
        stored.len(),
        ids.len(),
        received.len(),
        received.len() - ids.len(),
        began.elapsed()
    );
}

/// The feedback of every stored answer, by message id.
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

/// All requests received, once there is at least one for every stored answer.
async fn wait_for_all(receiver: &Receiver, stored: &BTreeMap<String, String>) -> Vec<ReceivedRequest> {
    loop {
        let received = receiver.received();
        let ids = webhook_ids_by_message(&received);
        if stored.keys().all(|id| ids.contains_key(id)) {
            return received;
        }
        receiver.wait_for(received.len() + 1).await;
    }
}

/// The webhook-ids of each message's requests.
fn webhook_ids_by_message(received: &[ReceivedRequest]) -> BTreeMap<String, BTreeSet<String>> {
    let mut ids = BTreeMap::<_, BTreeSet<_>>::new();
    for it in received {
        let message = it.json()["message_id"].as_str().unwrap().to_owned();
        ids.entry(message).or_default().insert(it.id().to_owned());
    }
    ids
}
