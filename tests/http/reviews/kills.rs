//! SIGKILL of a deployed function between any two of its writes. Each call is made by the function's own binary,
//! which is killed after its first `n` writes, for each `n` until the call ends by itself. Then the caller repeats
//! the call, as after any broken connection: nothing is lost or doubled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use expiry::SweepReport;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::storage::keys::{CLEANUPS, FILES, Prefix, channel_partition};
use test_support::function_process::{FunctionProcess, http_event};
use test_support::write_gate::WriteGate;
use test_support::{Agent, Reply, Runner, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;
use crate::webhooks::event_stream::stream_source;

/// Of functions that send no messages.
const NO_QUEUE: &str = "http://127.0.0.1/queue";
const HOUR: Duration = Duration::from_secs(3600);

/// A call of the API by one caller.
struct Call {
    function: &'static str,
    method: Method,
    path: String,
    token: String,
    body: Value,
}

impl Call {
    fn event(&self) -> Value {
        let body = serde_json::to_vec(&self.body).unwrap();
        http_event(self.method.as_str(), &self.path, &self.token, Some(("application/json", &body)))
    }

    /// Makes the call at the service in this process.
    async fn repeat(&self, world: &World) -> Reply {
        let request = reqwest::Client::new().request(self.method.clone(), format!("{}{}", world.url, self.path));
        Reply::fetch(request.bearer_auth(&self.token).json(&self.body)).await
    }
}

/// Invokes a function and kills it after `writes` writes; returns whether it ended by itself before.
async fn invoke_and_kill(world: &World, function: &str, event: Value, queue: &str, writes: usize) -> bool {
    let gate = WriteGate::start(&world.endpoints_over_tcp().await, writes).await;
    let (mut process, _) = FunctionProcess::start(&Runner::binary(function), world, &gate.endpoints, queue).await;
    let is_done = tokio::select! {
        answer = process.invoke(event) => {
            assert!(answer["errorType"].is_null(), "{answer}");
            true
        }
        () = gate.closed() => false,
    };
    process.kill();
    is_done
}

/// Runs a round for each number of writes after which a function is killed, until it ends by itself.
#[allow(clippy::print_stdout, reason = "the counts are for the developer")]
async fn kill_after_each_write(name: &str, least_writes: usize, round: impl AsyncFn(usize) -> bool) {
    let mut writes = 0;
    while !round(writes).await {
        writes += 1;
    }
    // The last kill is between the last write and the response.
    println!("{name}: {writes} kills");
    assert!(writes > least_writes, "{name} makes at least {least_writes} writes");
}

/// A person's session, and the person's agent.
struct Actors {
    world: World,
    session: String,
    agent: Agent,
}

impl Actors {
    async fn start() -> Self {
        let world = World::embedded().await;
        let person = world.person().await;
        let session = person.sign_in().await.session_token().to_owned();
        let agent = person.agent().await;
        Self { world, session, agent }
    }

    /// An approval of an act with an attachment; returns its id.
    async fn ask(&self) -> String {
        let action = json!({ "name": "pay", "args": { "amount": 7 }, "editable": ["/amount"] });
        let review = json!({ "type": "approval", "action": action });
        let attachments = json!([{ "content": "the invoice" }]);
        self.agent.create_message(json!({ "text": "?", "review": review, "textAttachments": attachments })).await
    }

    fn answer(&self, id: &str, files: &[String]) -> Call {
        let response = json!({ "selectedOption": "approve", "editedArgs": { "amount": 5 } });
        Call {
            function: "inbox",
            method: Method::POST,
            path: format!("/api/messages/{id}/respond"),
            token: self.session.clone(),
            body: json!({ "response": response, "modifiedFileIds": files }),
        }
    }

    fn by_agent(&self, function: &'static str, method: Method, path: String, body: Value) -> Call {
        Call { function, method, path, token: self.agent.key.clone(), body }
    }

    async fn read(&self, id: &str) -> Reply {
        self.agent.get(&format!("/api/v1/messages/{id}")).await
    }

    /// The events in the history of a message, and the history.
    async fn history(&self, id: &str) -> (Vec<String>, Value) {
        let history = self.agent.get(&format!("/api/v1/messages/{id}/history")).await.expect(200);
        let entries = history["entries"].as_array().unwrap();
        (entries.iter().map(|it| it["event"].as_str().unwrap().to_owned()).collect(), history.clone())
    }

    /// Objects, items of files, and cleanup records of the channel.
    async fn stored(&self) -> (usize, usize, usize) {
        let channel = self.agent.channel.parse().unwrap();
        let list = self.world.clients.s3.list_objects_v2().bucket(self.world.bucket());
        let objects = list.prefix(Prefix::Uploads(channel).to_string()).send().await.unwrap().contents;
        let items = async |prefix: &str| self.world.items(channel_partition(channel), prefix).await.len();
        (objects.unwrap_or_default().len(), items(FILES).await, items(CLEANUPS).await)
    }

    /// Asserts that after the time of cleanup records and unclaimed files each object has its item, and each item its object.
    /// Gives their number.
    async fn check_objects(&self) -> usize {
        self.world.advance_clock(30 * HOUR);
        let SweepReport { failed, .. } = expiry::handle(&self.world.function("expiry")).await.unwrap();
        assert_eq!(failed, 0);
        let (objects, files, cleanups) = self.stored().await;
        assert_eq!((objects, cleanups), (files, 0));
        files
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_about_an_act_is_stored_once() {
    let actors = &Actors::start().await;
    // Without files an answer is one update; with one that nothing refers to yet it is a transaction.
    for with_file in [false, true] {
        kill_after_each_write("answer", 1, async |writes| {
            let id = actors.ask().await;
            let files = if with_file { vec![actors.agent.store_file().await] } else { vec![] };
            let call = actors.answer(&id, &files);
            let done = invoke_and_kill(&actors.world, call.function, call.event(), NO_QUEUE, writes).await;
            let review = actors.read(&id).await.expect(200)["review"].clone();
            let is_stored = writes > 0 || done;
            assert_eq!(review["status"], if is_stored { "completed" } else { "pending" }, "after {writes} writes");
            for member in ["response", "decision", "receipt", "completedAt"] {
                assert_eq!(review[member].is_null(), !is_stored, "{member} after {writes} writes");
            }
            let repeated = call.repeat(&actors.world).await;
            match is_stored {
                true => drop(repeated.expect_error(403, "review_already_responded")),
                false => drop(repeated.expect(201)),
            }
            let (events, history) = actors.history(&id).await;
            assert_eq!(events, ["created", "decided"]);
            assert_eq!(history["decision"]["action"]["args"], json!({ "amount": 5 }));
            done
        })
        .await;
    }
    // Files of answers are kept.
    assert_eq!(actors.check_objects().await, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_consumed_once() {
    let actors = &Actors::start().await;
    kill_after_each_write("consume", 1, async |writes| {
        let id = actors.ask().await;
        let answered = actors.answer(&id, &[]).repeat(&actors.world).await.expect(201);
        let digest = answered["review"]["decision"]["actionDigest"].clone();
        let path = format!("/api/v1/reviews/{id}/consume");
        let call = actors.by_agent("reviews", Method::POST, path, json!({ "actionDigest": digest }));
        let mut event = call.event();
        event["headers"]["idempotency-key"] = json!("this run");
        let done = invoke_and_kill(&actors.world, call.function, event, NO_QUEUE, writes).await;
        let consumed_at = actors.history(&id).await.1["consumedAt"].clone();
        assert_eq!(consumed_at.is_null(), writes == 0 && !done, "after {writes} writes");
        let request = actors.agent.request(Method::POST, &call.path).header("Idempotency-Key", "this run");
        let repeated = Reply::fetch(request.json(&call.body)).await.expect(200)["consumedAt"].clone();
        assert!(consumed_at.is_null() || consumed_at == repeated, "{consumed_at}, then {repeated}");
        call.repeat(&actors.world).await.expect_error(409, "already_consumed");
        assert_eq!(actors.history(&id).await.0, ["created", "decided", "consumed"]);
        done
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_is_cancelled_once() {
    let actors = &Actors::start().await;
    kill_after_each_write("cancel", 1, async |writes| {
        let id = actors.ask().await;
        let path = format!("/api/v1/reviews/{id}/cancel");
        let call = actors.by_agent("reviews", Method::POST, path, json!({ "reason": "no longer needed" }));
        let done = invoke_and_kill(&actors.world, call.function, call.event(), NO_QUEUE, writes).await;
        let review = actors.read(&id).await.expect(200)["review"].clone();
        let is_stored = writes > 0 || done;
        assert_eq!(review["status"], if is_stored { "cancelled" } else { "pending" }, "after {writes} writes");
        let repeated = call.repeat(&actors.world).await.expect(200)["review"].clone();
        assert!(!is_stored || repeated == review, "{review}, then {repeated}");
        assert_eq!(repeated["cancelReason"], "no longer needed");
        assert_eq!(actors.history(&id).await.0, ["created", "cancelled"]);
        done
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_is_superseded_by_one_message() {
    let actors = &Actors::start().await;
    let made = Mutex::new(vec![]);
    kill_after_each_write("supersede", 3, async |writes| {
        let old = actors.ask().await;
        let body = json!({
            "channelId": actors.agent.channel, "clientId": format!("better {writes}"), "text": "better",
            "textAttachments": [{ "content": "more about it" }], "supersedes": old,
        });
        let call = actors.by_agent("messages", Method::POST, "/api/v1/messages".to_owned(), body);
        let done = invoke_and_kill(&actors.world, call.function, call.event(), NO_QUEUE, writes).await;
        let before = actors.read(&old).await.expect(200);
        assert_eq!(before["review"]["status"] == "cancelled", before["supersededBy"].is_string(), "{before}");
        let new = call.repeat(&actors.world).await.expect(201);
        assert!(before["supersededBy"].is_null() || before["supersededBy"] == new["id"], "{before}, then {new}");
        assert_eq!(actors.read(&old).await.expect(200)["supersededBy"], new["id"]);
        assert_eq!(actors.history(&old).await.0, ["created", "cancelled"]);
        made.lock().unwrap().push(new["id"].clone());
        done
    })
    .await;
    let listed = actors.agent.get_in_channel("/api/v1/messages?limit=100").await.expect(200)["data"].clone();
    let successors: Vec<_> = listed.as_array().unwrap().iter().filter(|it| it["supersedes"].is_string()).collect();
    assert_eq!(successors.len(), made.lock().unwrap().len(), "each call made one message: {successors:?}");
    actors.check_objects().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decided_act_is_deleted_whole_and_its_history_kept() {
    let actors = &Actors::start().await;
    kill_after_each_write("delete", 3, async |writes| {
        let id = actors.ask().await;
        actors.answer(&id, &[]).repeat(&actors.world).await.expect(201);
        let told = actors.history(&id).await;
        let path = format!("/api/v1/messages/{id}");
        let call = actors.by_agent("messages", Method::DELETE, path, json!({}));
        let done = invoke_and_kill(&actors.world, call.function, call.event(), NO_QUEUE, writes).await;
        let is_deleted = writes > 0 || done;
        assert_eq!(actors.read(&id).await.status, if is_deleted { 404 } else { 200 }, "after {writes} writes");
        for _ in 0..2 {
            let (events, mut history) = actors.history(&id).await;
            history["deletedAt"] = Value::Null;
            assert_eq!((events, history), told);
            let again = call.repeat(&actors.world).await.status;
            assert!(again == 404 || !is_deleted && again == 200, "{again}");
        }
        done
    })
    .await;
    actors.check_objects().await;
    assert_eq!(actors.stored().await, (0, 0, 0));
}

/// The record of the stream that tells of the outcome of a message.
fn record_of_outcome(seen: &[EventRecord], id: &str) -> Option<EventRecord> {
    let outcome = |record: &&EventRecord| {
        let change = serde_json::to_value(&record.change).unwrap();
        change["NewImage"]["id"]["S"] == id && change["NewImage"]["review"]["M"]["status"]["S"] != "pending"
    };
    seen.iter().find(outcome).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_outcome_is_delivered_under_one_id() {
    let actors = &Actors::start().await;
    let (driver, receiver) = (DeliveryDriver::without_stream(&actors.world).await, Receiver::start([]).await);
    set_agent_webhook(&actors.world, &actors.agent.channel, &receiver.url).await;
    let (source, _) = stream_source(&actors.world).await;
    let (seen, mut workers) = (Arc::new(Mutex::new(vec![])), placet_local::event_sources::Workers::default());
    let (arrived, arrivals) = tokio::sync::watch::channel(());
    let keep = seen.clone();
    workers.start(|stop| {
        source.consume(stop, move |event: Event| {
            keep.lock().unwrap().extend(event.records);
            arrived.send_replace(());
            std::future::ready(DynamoDbEventResponse::default())
        })
    });
    let ended = Mutex::new(vec![]);
    kill_after_each_write("deliver", 3, async |writes| {
        let id = actors.ask().await;
        match writes % 2 {
            0 => actors.answer(&id, &[]).repeat(&actors.world).await.expect(201),
            _ => actors.agent.cancel(&id, json!({})).await.expect(200),
        };
        let record = loop {
            let found = record_of_outcome(&seen.lock().unwrap(), &id);
            match found {
                Some(record) => break record,
                None => arrivals.clone().changed().await.unwrap(),
            }
        };
        ended.lock().unwrap().push((id, if writes % 2 == 0 { "review:responded" } else { "review:cancelled" }));
        let mut event = Event::default();
        event.records = vec![record];
        let batch = serde_json::to_value(&event).unwrap();
        let done = invoke_and_kill(&actors.world, "events", batch, &driver.queue, writes).await;
        // The event source invokes the function again with what was not processed.
        let again = events::handle(&driver.events, event).await;
        assert!(again.batch_item_failures.is_empty());
        done
    })
    .await;
    workers.stop().await;
    let ended = ended.into_inner().unwrap();
    while let Some(delivery) = driver.next_delivery_within(1).await {
        assert!(driver.deliver(&delivery).await);
    }
    let mut received: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for it in receiver.received() {
        let (body, id) = (it.json(), it.id().to_owned());
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        received.entry(text("message_id")).or_default().push((text("event"), id));
    }
    for (id, event) in &ended {
        let [(sent, _)] = &received[id][..] else { panic!("{id} was delivered as {:?}", received[id]) };
        assert_eq!(sent, event);
    }
    assert_eq!(received.len(), ended.len());
    join_all(ended.iter().map(async |(id, _)| {
        assert_eq!(actors.read(id).await.expect(200)["deliveryStatus"], "webhook_delivered");
    }))
    .await;
}
