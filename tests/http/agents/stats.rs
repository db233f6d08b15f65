//! `/api/agents/{id}/stats` and `/api/agents/stats`: counts, and the status history of pings

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::{Agent, Person, World};

async fn stats(person: &Person, id: &str) -> Value {
    person.get(&format!("/api/agents/{id}/stats")).await.expect(200)
}

/// Waits until the counts, which are written in the background, are as expected.
async fn wait_for_counts(person: &Person, id: &str, expected: [u64; 5]) -> Value {
    let names = ["totalMessages", "totalInbound", "totalOutbound", "successRequests", "errorRequests"];
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let stats = stats(person, id).await;
        if names.map(|name| stats[name].as_u64().unwrap()) == expected {
            return stats;
        }
        assert!(tokio::time::Instant::now() < until, "{stats} is not {expected:?}");
    }
}

async fn ping(agent: &Agent, status: &str, message: Option<&str>) -> Value {
    let body = json!({ "agentId": agent.channel, "status": status, "message": message });
    agent.post("/api/v1/status/ping", body).await.expect(201)
}

#[tokio::test]
async fn messages_and_requests_are_counted() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    assert_eq!(stats(&person, &agent.channel).await["totalMessages"], 0);
    let once = json!({ "text": "one", "clientId": "same" });
    agent.send(once.clone()).await.expect(201);
    agent.send(once).await.expect(201);
    agent.upload("upload", "a", "text/plain", "x").await.expect(201);
    person.post("/api/messages", json!({ "channelId": agent.channel, "text": "hi" })).await.expect(201);
    agent.get_in_channel("/api/v1/messages/nonsense").await.expect_error(404, "not_found");
    // These calls count for no agent: none names its channel with success.
    agent.get("/api/v1/agents").await.expect(200);
    agent.with_channel("nonsense").send(json!({ "text": "x" })).await.expect(403);
    agent.send(json!({})).await.expect(400);
    wait_for_counts(&person, &agent.channel, [3, 2, 1, 3, 1]).await;
    other.send(json!({ "text": "x" })).await.expect(201);
    wait_for_counts(&person, &other.channel, [1, 1, 0, 1, 0]).await;
    ping(&other, "busy", None).await;
    wait_for_counts(&person, &other.channel, [1, 1, 0, 2, 0]).await;
    let total = person.get("/api/agents/stats").await.expect(200);
    let expected =
        json!({ "totalAgents": 2, "activeAgents": 1, "totalMessages": 4, "successRequests": 5, "errorRequests": 1 });
    assert_eq!(total, expected);
    let without_agents = world.person().await.get("/api/agents/stats").await.expect(200);
    assert_eq!((&without_agents["totalAgents"], &without_agents["totalMessages"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn no_count_is_lost_among_concurrent_calls() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let sent = join_all((0..30).map(|n| agent.send(json!({ "text": n.to_string() })))).await;
    sent.iter().for_each(|reply| drop(reply.expect(201)));
    wait_for_counts(&person, &agent.channel, [30, 30, 0, 30, 0]).await;
}

#[tokio::test]
async fn the_history_has_the_pings_that_changed_something() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (status, message) in
        [("active", None), ("active", None), ("active", Some("a")), ("busy", Some("a")), ("busy", Some("a"))]
    {
        world.advance_clock(Duration::from_secs(1));
        ping(&agent, status, message).await;
    }
    let history = stats(&person, &agent.channel).await["statusHistory"].clone();
    let entries: Vec<_> = history.as_array().unwrap().iter().map(|it| (&it["status"], &it["message"])).collect();
    let [active, busy, a, none] = [json!("active"), json!("busy"), json!("a"), Value::Null];
    assert_eq!(entries, [(&busy, &a), (&active, &a), (&active, &none)]);
    assert!(history[0]["createdAt"].as_str() > history[1]["createdAt"].as_str());
    world.advance_clock(Duration::from_secs(30 * 24 * 3600));
    person.sign_in().await.expect(200);
    assert_eq!(stats(&person, &agent.channel).await["statusHistory"], json!([]));
}

#[tokio::test]
async fn the_last_50_changes_are_shown() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for n in 0..52 {
        world.advance_clock(Duration::from_secs(1));
        ping(&agent, "busy", Some(&n.to_string())).await;
    }
    let history = stats(&person, &agent.channel).await["statusHistory"].clone();
    assert_eq!((history.as_array().unwrap().len(), &history[0]["message"]), (50, &json!("51")));
}

#[tokio::test]
async fn concurrent_pings_are_recorded_in_order() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    join_all((0..4).map(|_| ping(&agent, "busy", Some("same")))).await;
    let history = stats(&person, &agent.channel).await["statusHistory"].clone();
    assert_eq!(history.as_array().unwrap().len(), 1, "{history}");
    let shown = person.get(&format!("/api/agents/{}", agent.channel)).await.expect(200);
    assert_eq!(shown["statusSince"], history[0]["createdAt"]);
}
