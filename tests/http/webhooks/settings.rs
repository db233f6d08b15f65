//! `/api/v1/agents/setWebhook`, `/api/v1/agents/deleteWebhook`, the webhook of a PATCH, and
//! `/api/agents/{id}/webhook-test`

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::{AgentId, UserId};
use shared::storage::Webhook;
use test_support::{Agent, Person, Reply, World};

use crate::support::answered_review::agent_with_webhook;
use crate::support::receiver::{Receiver, ResponsePlan};
use crate::webhooks::deliveries::is_signature_valid;

const URL: &str = "https://93.184.215.14/hook";

async fn set_webhook(agent: &Agent, mut body: Value) -> Reply {
    body["channelId"] = json!(agent.channel);
    agent.post("/api/v1/agents/setWebhook", body).await
}

async fn patch(person: &Person, agent: &Agent, body: Value) -> Reply {
    Reply::fetch(person.request(Method::PATCH, &format!("/api/agents/{}", agent.channel)).json(&body)).await
}

/// The stored webhook, as a delivery reads it.
async fn stored_webhook(world: &World, person: &Person, agent: &Agent) -> Webhook {
    let user: UserId = person.user_id().await.parse().unwrap();
    let id: AgentId = agent.channel.parse().unwrap();
    world.app.store.agents().webhook(user, id).await.unwrap().unwrap()
}

fn secrets(webhook: &Webhook) -> Vec<&str> {
    webhook.secrets.iter().map(|secret| secret.reveal()).collect()
}

#[tokio::test]
async fn a_webhook_is_set_and_its_secret_shown_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let body = json!({ "url": URL, "headers": { "X-Team": "Blue", "authorization": "Token t" },
        "auth": { "username": "user", "password": "pass:word" } });
    let reply = set_webhook(&agent, body).await;
    let created = reply.expect(200);
    assert_eq!(created["webhookUrl"], URL);
    let secret = created["webhookSecret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
    for shown in [reply, person.get(&format!("/api/agents/{}", agent.channel)).await, agent.get("/api/v1/agents").await]
    {
        let text = shown.text();
        assert!(!["Token t", "pass:word"].iter().any(|it| text.contains(it)), "{text}");
    }
    assert!(!person.get("/api/agents").await.text().contains("whsec_"));
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert_eq!(webhook.headers.0["x-team"], "Blue");
    assert_eq!(webhook.auth.as_ref().map(|auth| auth.password.as_str()), Some("pass:word"));
    assert_eq!(secrets(&webhook), [secret]);
}

#[tokio::test]
async fn a_new_secret_and_the_one_before_are_both_good_for_a_day() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first =
        set_webhook(&agent, json!({ "url": URL, "headers": { "X-A": "1" } })).await.expect(200)["webhookSecret"]
            .clone();
    let second = set_webhook(&agent, json!({ "url": URL })).await.expect(200)["webhookSecret"].clone();
    assert_ne!(first, second);
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert_eq!(secrets(&webhook), [second.as_str().unwrap(), first.as_str().unwrap()]);
    assert!(webhook.headers.0.is_empty(), "setting a webhook replaces all its settings");
    world.advance_clock(Duration::from_secs(24 * 3600));
    assert_eq!(secrets(&stored_webhook(&world, &person, &agent).await), [second.as_str().unwrap()]);
}

#[tokio::test]
async fn concurrent_secret_changes_return_the_stored_secret() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let replies = join_all((0..5).map(|_| set_webhook(&agent, json!({ "url": URL })))).await;
    let shown: Vec<String> =
        replies.iter().map(|it| it.expect(200)["webhookSecret"].as_str().unwrap().to_owned()).collect();
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert_eq!(webhook.secrets.len(), 2);
    assert!(secrets(&webhook).iter().all(|secret| shown.iter().any(|it| it == secret)));
}

#[tokio::test]
async fn deleting_a_webhook_removes_its_secrets() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    set_webhook(&agent, json!({ "url": URL, "headers": { "X-A": "1" } })).await.expect(200);
    let body = json!({ "channelId": agent.channel });
    for _ in 0..2 {
        let left = agent.post("/api/v1/agents/deleteWebhook", body.clone()).await.expect(200);
        assert_eq!((&left["webhookUrl"], &left["id"]), (&json!(null), &json!(agent.channel)));
    }
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert!(webhook.url.is_none() && webhook.headers.0.is_empty() && webhook.secrets.is_empty());
    assert_eq!(agent.post("/api/v1/agents/deleteWebhook", json!({})).await.expect_invalid(), ["channelId"]);
}

#[tokio::test]
async fn an_invalid_webhook_is_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let bad = json!({ "url": "http://169.254.169.254/", "headers": { "a b": "x", "X-Nul": "\u{0}", "Webhook-Id": "1",
        "Connection": "close", "X-Twice": "1", "x-twice": "2", "X-Crab": "🦀" }, "auth": { "username": "", "password": "\n" } });
    assert_eq!(
        set_webhook(&agent, bad).await.expect_invalid(),
        [
            "url",
            "headers.Connection",
            "headers.Webhook-Id",
            "headers.X-Crab",
            "headers.X-Nul",
            "headers.a b",
            "headers.x-twice",
            "auth.username",
            "auth.password"
        ]
    );
    let many: serde_json::Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("x"))).collect();
    assert_eq!(set_webhook(&agent, json!({ "url": URL, "headers": many })).await.expect_invalid(), ["headers"]);
    let long = json!({ "url": URL, "headers": { "X-A": "x".repeat(2001), "X-B": 1 } });
    assert_eq!(set_webhook(&agent, long).await.expect_invalid(), ["headers"]);
    let heavy: serde_json::Map<String, Value> = (0..5).map(|n| (format!("x-{n}"), json!("x".repeat(2000)))).collect();
    assert_eq!(set_webhook(&agent, json!({ "url": URL, "headers": heavy })).await.expect_invalid(), ["headers"]);
    assert_eq!(agent.post("/api/v1/agents/setWebhook", json!({})).await.expect_invalid(), ["channelId", "url"]);
    // A host name that does not resolve yet is accepted.
    set_webhook(&agent, json!({ "url": "https://hooks.invalid/x" })).await.expect(200);
}

#[tokio::test]
async fn setting_the_first_url_shows_a_secret_and_null_clears_all() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first =
        patch(&person, &agent, json!({ "webhookUrl": URL, "webhookHeaders": { "X-A": "1" } })).await.expect(200);
    let secret = first["webhookSecret"].as_str().unwrap().to_owned();
    let second = patch(
        &person,
        &agent,
        json!({ "webhookUrl": "https://93.184.215.14/", "webhookAuth": { "username": "u", "password": "" } }),
    )
    .await
    .expect(200);
    assert_eq!((&second["webhookUrl"], second.get("webhookSecret")), (&json!("https://93.184.215.14/"), None));
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert_eq!((secrets(&webhook), webhook.headers.0["x-a"].as_str()), (vec![secret.as_str()], "1"));
    assert!(webhook.auth.is_some());
    patch(&person, &agent, json!({ "webhookHeaders": null })).await.expect(200);
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert!(webhook.headers.0.is_empty() && webhook.auth.is_some());
    let none = patch(&person, &agent, json!({ "webhookUrl": null })).await.expect(200);
    assert_eq!(none["webhookUrl"], json!(null));
    let webhook = stored_webhook(&world, &person, &agent).await;
    assert!(webhook.auth.is_none() && webhook.secrets.is_empty());
}

async fn test_webhook(person: &Person, agent: &Agent) -> Reply {
    person.post(&format!("/api/agents/{}/webhook-test", agent.channel), json!({})).await
}

#[tokio::test]
async fn a_test_event_is_sent_once_and_returns_the_response() {
    let world = World::delivering().await;
    let person = world.person().await;
    let echo = format!("{{\"got\":\"blue-route-17 {}\"}}", "x".repeat(600));
    let receiver =
        Receiver::start([ResponsePlan::with(201, "", &echo), ResponsePlan::status(500), ResponsePlan::Close]).await;
    let (agent, secret) = agent_with_webhook(&world, &person, &receiver).await;
    let result = test_webhook(&person, &agent).await.expect(200);
    assert_eq!(
        (&result["delivered"], &result["status"], &result["error"]),
        (&json!(true), &json!(201), &json!(null)),
        "{result}"
    );
    let body = result["body"].as_str().unwrap();
    assert!(body.starts_with("{\"got\":\"*** x") && body.len() == 500 && result["durationMs"].is_u64(), "{result}");

    let received = &receiver.received()[0];
    let event = received.json();
    assert_eq!((&event["event"], &event["channelId"]), (&json!("test"), &json!(agent.channel)));
    assert!(event["sent_at"].is_string());
    assert_eq!(received.headers["x-route"], "blue-route-17");
    assert_eq!(received.headers["authorization"], "Basic cGxhY2V0OmNvcnJlY3QgaG9yc2U=");
    assert!(is_signature_valid(&secret, received, &received.body) && received.id().starts_with("test_"));

    let refused = test_webhook(&person, &agent).await.expect(200);
    assert_eq!((&refused["delivered"], &refused["status"]), (&json!(false), &json!(500)));
    let closed = test_webhook(&person, &agent).await.expect(200);
    assert_eq!((&closed["delivered"], &closed["status"], &closed["body"]), (&json!(false), &json!(null), &json!(null)));
    assert!(closed["error"].as_str().unwrap().contains("ended its response early"), "{closed}");
    assert_eq!(receiver.received().len(), 3, "a test is not retried");
}

#[tokio::test]
async fn a_test_event_reaches_no_private_address() {
    let world = World::start().await;
    let person = world.person().await;
    let receiver = Receiver::start([]).await;
    let (agent, _) = agent_with_webhook(&world, &person, &receiver).await;
    let result = test_webhook(&person, &agent).await.expect(200);
    assert_eq!(
        (&result["delivered"], &result["status"], &result["error"]),
        (&json!(false), &json!(null), &json!("leads to a private address"))
    );
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn only_the_owner_can_test_an_existing_webhook() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    assert_eq!(test_webhook(&person, &agent).await.expect_invalid(), ["webhookUrl"]);
    test_webhook(&stranger, &agent).await.expect_error(404, "not_found");
    person.post("/api/agents/nothing/webhook-test", json!({})).await.expect_error(404, "not_found");
    let visitor = Person::signed_out(&world.url, "", "");
    test_webhook(&visitor, &agent).await.expect_error(401, "unauthorized");
}
