//! DynamoDB calls of each kind of request, counted by an interceptor of the SDK: a read is one call,
//! a list one round trip, a write two calls, and a write with files three.

use serde_json::{Value, json};
use test_support::contract::{BodyTemplate, routes};
use test_support::{Reply, World};

#[track_caller]
fn assert_cost(reply: &Reply, calls: u32, round_trips: u32) {
    assert!(reply.status < 300, "{}", reply.text());
    let cost = reply.cost();
    assert_eq!((cost.calls, cost.round_trips), (calls, round_trips), "calls, round trips");
    assert!(cost.units() > 0.0, "capacity units are counted");
}

fn push_subscription() -> Value {
    let route = routes().into_iter().find(|it| (it.method, it.path) == ("POST", "/api/push/subscribe")).unwrap();
    let BodyTemplate::Json(body) = route.body else { panic!("{route:?}") };
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn reads_are_one_call() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let (id, file) = (agent.request_approval().await, agent.store_file().await);
    assert_cost(&agent.get_in_channel(&format!("/api/v1/messages/{id}")).await, 1, 1);
    assert_cost(&agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await, 1, 1);
    assert_cost(&agent.get(&format!("/api/v1/files/{file}/download")).await, 1, 1);
}

#[tokio::test]
async fn lists_are_one_round_trip() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.request_approval().await;
    agent.store_file().await;
    for path in ["/api/v1/messages", "/api/v1/reviews/pending", "/api/v1/files"] {
        assert_cost(&agent.get_in_channel(path).await, 2, 1);
    }
    assert_cost(&agent.get("/api/v1/agents").await, 2, 1);
    assert_cost(&person.get(&format!("/api/messages?channel={}", agent.channel)).await, 2, 1);
    for path in ["/api/agents", "/api/api-keys"] {
        assert_cost(&person.get(path).await, 2, 1);
    }
    // The third call looks for agents that are being deleted.
    for path in ["/api/messages/reviews", "/api/files"] {
        assert_cost(&person.get(path).await, 3, 1);
    }
    assert_cost(&person.get("/api/auth/me").await, 1, 1);
}

#[tokio::test]
async fn writes_are_two_calls() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    assert_cost(&agent.send(json!({ "text": "plain" })).await, 2, 2);
    let all = json!({ "text": "?", "clientId": "c", "attachmentIds": [agent.store_file().await],
        "review": { "type": "approval" } });
    let sent = agent.send(all.clone()).await;
    assert_cost(&sent, 2, 2);
    assert_cost(&agent.send(all).await, 2, 2);
    assert_cost(
        &person.answer(sent.json()["id"].as_str().unwrap(), json!({ "selectedOption": "approve" })).await,
        2,
        2,
    );
    assert_cost(
        &agent.delete_in_channel(&format!("/api/v1/messages/{}", sent.json()["id"].as_str().unwrap())).await,
        2,
        2,
    );
    assert_cost(&agent.post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy" })).await, 2, 2);
    assert_cost(&agent.post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy" })).await, 2, 2);
    assert_cost(&agent.post("/api/v1/agents", json!({ "name": "another" })).await, 2, 2);
    assert_cost(&person.post("/api/messages", json!({ "channelId": agent.channel, "text": "x" })).await, 2, 2);
    let parent = person.agent().await.channel;
    let under = json!({ "channelId": agent.channel, "isSubagent": true, "parentChannelId": parent });
    assert_cost(&agent.post("/api/v1/agents/setSubagent", under).await, 2, 2);
    let management = json!({ "channelId": agent.channel, "url": "https://manage.example", "apiKey": "k" });
    assert_cost(&agent.post("/api/v1/agents/setManagement", management).await, 2, 2);
    assert_cost(&person.post("/api/auth/ws-ticket", json!({})).await, 2, 2);
    // The devices are read together with the caller.
    assert_cost(&person.post("/api/push/subscribe", push_subscription()).await, 3, 2);
    let key = person.post("/api/api-keys", json!({})).await;
    assert_cost(&key, 2, 2);
    let id = key.json()["id"].as_str().unwrap().to_owned();
    assert_cost(&person.post(&format!("/api/api-keys/{id}/rotate"), json!({})).await, 2, 2);
    assert_cost(&person.delete(&format!("/api/api-keys/{id}")).await, 2, 2);
}

/// The extra call writes a cleanup record before the bytes, so that bytes without an item are deleted.
#[tokio::test]
async fn writes_with_files_are_three_calls_however_many_files() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    assert_cost(&agent.upload("store", "a", "text/plain", "x").await, 3, 3);
    assert_cost(&agent.upload("upload", "a", "text/plain", "x").await, 3, 3);
    let texts: Vec<_> = (0..50).map(|number| json!({ "content": number.to_string() })).collect();
    let message = json!({ "text": "?", "clientId": "c", "textAttachments": texts });
    assert_cost(&agent.send(message.clone()).await, 3, 3);
    assert_cost(&agent.send(message).await, 2, 2);
}

/// A large body is read only after authentication, which is one more call.
#[tokio::test]
async fn a_body_of_more_than_64_kib_is_one_more_call() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let message = |kib: usize| json!({ "text": "x".repeat(kib * 1024 - 200) });
    assert_cost(&agent.send(message(64)).await, 2, 2);
    assert_cost(&agent.send(message(65)).await, 3, 3);
}

#[tokio::test]
async fn listing_pending_reviews_costs_only_pending_reviews() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.request_approval().await;
    let before = agent.get_in_channel("/api/v1/reviews/pending").await.cost();
    for _ in 0..40 {
        let answered = agent.request_approval().await;
        person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    }
    assert_eq!(agent.get_in_channel("/api/v1/reviews/pending").await.cost(), before);
}

#[tokio::test]
async fn a_view_of_the_inbox_costs_as_much_as_the_inbox() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..60 {
        agent.request_approval().await;
    }
    let whole = person.get("/").await.cost();
    for view in ["/?order=due", "/?type=approval", &format!("/?agent={}", agent.channel), "/?q=nothing"] {
        assert_eq!(person.get(view).await.cost(), whole, "{view}");
    }
}

/// A look costs half a unit whatever the review's size; the message is read at the start and, once it is decided, at
/// the end.
#[tokio::test]
async fn a_look_of_a_wait_is_half_a_unit_for_reviews_of_any_size() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let elsewhere = person.at(&world.second_instance().await);
    for kib in [1, 64, 200] {
        let message = json!({ "text": "x".repeat(kib * 1024 - 400), "review": { "type": "approval" } });
        let id = agent.create_message(message).await;
        let read = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.cost().read_units;
        let timed_out = agent.wait(&id, 400).await.cost();
        assert!(timed_out.calls >= 2, "{timed_out:?}");
        assert_eq!(timed_out.read_units, read + 0.5 * f64::from(timed_out.calls - 1), "{kib} KiB");
        assert_eq!(timed_out.write_units, 0.0);
        let (waited, ()) = tokio::join!(agent.wait(&id, 20_000), async {
            agent.wait(&id, 150).await.expect(200);
            elsewhere.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        });
        assert_eq!(waited.expect(200)["status"], "completed");
        let message = read - 3.0; // without the key, the agent and the record of a deletion
        // The read that finds the answer reads the key and the record of a deletion again.
        let looks = 0.5 * f64::from(waited.cost().calls - 2);
        let units = waited.cost().read_units;
        assert!((read + looks..=read + looks + message + 3.0).contains(&units), "{kib} KiB: {units}");
    }
}

#[tokio::test]
async fn a_wait_of_29_seconds_costs_150_reads_unopened_and_300_near_an_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (unopened, near) = (agent.request_approval().await, agent.request_approval().await);
    let changes = person.get("/api/changes?since=0");
    let signs = async {
        loop {
            person.post(&format!("/api/messages/{near}/viewing"), json!({})).await.expect(204);
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    };
    let waits = async { tokio::join!(agent.wait(&unopened, 0), agent.wait(&near, 0), changes) };
    let (slow, quick, inbox) = tokio::select! {
        () = signs => unreachable!(),
        waits = waits => waits,
    };
    assert_eq!((&slow.json()["status"], &quick.json()["status"]), (&json!("timeout"), &json!("timeout")));
    for (waited, at_most) in [(&slow, 150), (&quick, 300), (&inbox, 110)] {
        waited.expect(200);
        let calls = waited.cost().calls;
        // The number of looks in 29 s depends on the engine; the minimum shows that the wait looks at all.
        assert!((10..=at_most).contains(&calls), "{calls} reads, at most {at_most}");
    }
    assert!(quick.cost().calls > slow.cost().calls, "{:?} and {:?}", quick.cost(), slow.cost());
}
