//! Credentials of webhooks: `https://user:password@host/` becomes basic authentication, and no
//! response shows a password or a secret header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

use crate::support::receiver::{ReceivedRequest, Receiver};

/// Texts that no response may contain.
const SECRETS: [&str; 4] = ["s3cret", "p@ss", "p%40ss", "czNjcmV0"];

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// A receiver's URL with credentials before its host.
fn with_userinfo(receiver: &Receiver, userinfo: &str) -> String {
    receiver.url.replacen("http://", &format!("http://{userinfo}@"), 1)
}

async fn set_webhook(agent: &Agent, mut body: Value) -> Reply {
    body["channelId"] = json!(agent.channel);
    agent.post("/api/v1/agents/setWebhook", body).await
}

async fn patch(person: &Person, agent: &Agent, body: Value) -> Value {
    let path = format!("/api/agents/{}", agent.channel);
    Reply::fetch(person.request(Method::PATCH, &path).json(&body)).await.expect(200)
}

/// All responses and pages about an agent, its messages and its calls.
async fn all_responses(person: &Person, agent: &Agent) -> String {
    let mut all = String::new();
    for path in ["/api/agents", "/api/logs?limit=100", "/api/messages/reviews?status=all", "/settings/agents", "/logs"]
    {
        all += &person.get(path).await.text();
    }
    all += &person.get(&format!("/settings/agents/{}", agent.channel)).await.text();
    all += &agent.get("/api/v1/agents").await.text();
    all + &agent.get_in_channel("/api/v1/messages").await.text()
}

/// Sends a review, answers it, and returns the request that the receiver got.
async fn deliver_answer(person: &Person, agent: &Agent, receiver: &Receiver, more: Value) -> ReceivedRequest {
    let mut message = json!({ "text": "?", "review": { "type": "approval" } });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    let before = receiver.received().len();
    let review = agent.send(message).await.expect(201);
    person.answer(review["id"].as_str().unwrap(), json!({ "selectedOption": "approve" })).await.expect(201);
    receiver.wait_for(before + 1).await[before].clone()
}

#[tokio::test]
async fn credentials_in_an_agents_url_are_sent_as_basic_auth_and_never_shown() {
    let world = World::delivering().await;
    let person = world.person().await;
    let (agent, receiver) = (person.agent().await, Receiver::start([]).await);
    let created = set_webhook(&agent, json!({ "url": with_userinfo(&receiver, "us%20er:p%40ss") })).await.expect(200);
    assert_eq!(created["webhookUrl"], receiver.url);
    assert_eq!(created["webhookAuth"], json!({ "username": "us er", "password": "***" }));
    let got = deliver_answer(&person, &agent, &receiver, json!({})).await;
    assert_eq!(got.headers["authorization"], basic("us er:p@ss"));

    // The `auth` member overrides the URL's credentials; so does an Authorization header.
    let named = json!({ "username": "named", "password": "s3cret" });
    let url = with_userinfo(&receiver, "u:p%40ss");
    let set_both = set_webhook(&agent, json!({ "webhookUrl": url, "auth": named })).await.expect(200);
    assert_eq!(set_both["webhookAuth"]["username"], "named");
    let got = deliver_answer(&person, &agent, &receiver, json!({})).await;
    assert_eq!(got.headers["authorization"], basic("named:s3cret"));
    let header =
        set_webhook(&agent, json!({ "url": url, "headers": { "Authorization": "Bearer s3cret" } })).await.expect(200);
    assert_eq!((&header["webhookAuth"], &header["webhookHeaders"]), (&json!(null), &json!({ "authorization": "***" })));

    // The same in a PATCH, which keeps the credentials if its URL has none.
    patch(&person, &agent, json!({ "webhookHeaders": null, "webhookUrl": with_userinfo(&receiver, "again:s3cret") }))
        .await;
    let kept = patch(&person, &agent, json!({ "webhookUrl": receiver.url })).await;
    assert_eq!(kept["webhookAuth"], json!({ "username": "again", "password": "***" }));
    let got = deliver_answer(&person, &agent, &receiver, json!({})).await;
    assert_eq!(got.headers["authorization"], basic("again:s3cret"));
    let body = json!({ "name": "made", "webhookUrl": with_userinfo(&receiver, "only-a-name") });
    let created = agent.post("/api/v1/agents", body).await.expect(201);
    assert_eq!(
        (&created["webhookUrl"], &created["webhookAuth"]["username"]),
        (&json!(receiver.url), &json!("only-a-name"))
    );
    let all = all_responses(&person, &agent).await;
    assert!(!SECRETS.iter().any(|secret| all.contains(secret)), "{all}");
}

#[tokio::test]
async fn credentials_in_message_and_callback_urls_are_used_and_never_shown() {
    let world = World::delivering().await;
    let person = world.person().await;
    let (agent, receiver) = (person.agent().await, Receiver::start([]).await);
    let url = with_userinfo(&receiver, "own:s3cret");
    let callback = json!({ "review": { "type": "approval", "callback": { "url": url, "headers": { "X-A": "b" } } } });
    let got = deliver_answer(&person, &agent, &receiver, callback).await;
    assert_eq!((got.headers["authorization"].as_str(), got.headers["x-a"].as_str()), (&*basic("own:s3cret"), "b"));
    let listed = agent.get_in_channel("/api/v1/messages").await.expect(200);
    let stored = &listed["data"][0]["review"]["callback"];
    assert_eq!(stored, &json!({ "url": receiver.url, "headers": { "X-A": "b" } }));

    // A message's own credentials override the agent's.
    let agents = json!({ "url": receiver.url, "auth": { "username": "agents", "password": "p@ss" } });
    set_webhook(&agent, agents).await.expect(200);
    let got = deliver_answer(&person, &agent, &receiver, json!({ "webhookUrl": url })).await;
    assert_eq!(got.headers["authorization"], basic("own:s3cret"));
    let got = deliver_answer(&person, &agent, &receiver, json!({ "webhookUrl": receiver.url })).await;
    assert_eq!(got.headers["authorization"], basic("agents:p@ss"));
    let all = all_responses(&person, &agent).await;
    assert!(!SECRETS.iter().any(|secret| all.contains(secret)), "{all}");
}

#[tokio::test]
async fn credentials_unfit_for_basic_auth_are_refused_and_not_echoed() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for userinfo in ["s3cret%3Ax:p", "u:s3cret%0A", "s3cret%FF:p"] {
        let url = format!("https://{userinfo}@93.184.215.14/h");
        let bodies = [
            ("/api/v1/agents/setWebhook", json!({ "channelId": agent.channel, "url": url })),
            ("/api/v1/agents", json!({ "name": "x", "webhookUrl": url })),
            ("/api/v1/messages", json!({ "channelId": agent.channel, "text": "x", "webhookUrl": url })),
        ];
        for (path, body) in bodies {
            let reply = agent.post(path, body).await;
            reply.expect_invalid();
            assert!(!reply.text().contains("s3cret"), "{}", reply.text());
        }
    }
}

#[tokio::test]
async fn webhook_headers_are_shown_with_secrets_masked() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let headers = json!({
        "X-Team": "Blue", "X-Env": "production", "Accept": "application/json",
        "X-Api-Key": "1", "Cookie": "a=b", "X-Hub-Signature": "c", "X-Auth": "d", "X-Gitlab-Token": "e",
        "X-Trace": "5f3a9c0e7b21d846aa01", "X-Other": "Bearer f", "Apikey": "g",
    });
    let created = set_webhook(&agent, json!({ "url": "https://93.184.215.14/", "headers": headers })).await.expect(200);
    let expected = json!({
        "x-team": "Blue", "x-env": "production", "accept": "application/json",
        "x-api-key": "***", "cookie": "***", "x-hub-signature": "***", "x-auth": "***", "x-gitlab-token": "***",
        "x-trace": "***", "x-other": "***", "apikey": "***",
    });
    assert_eq!((&created["webhookHeaders"], &created["webhookAuth"]), (&expected, &json!(null)));
    let listed = agent.get("/api/v1/agents").await.expect(200);
    assert_eq!(listed[0]["webhookHeaders"], expected);
    let gone = agent.post("/api/v1/agents/deleteWebhook", json!({ "channelId": agent.channel })).await.expect(200);
    assert_eq!((&gone["webhookHeaders"], &gone["webhookUrl"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn a_bad_avatar_url_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for bad in [
        "not-a-url",
        "javascript:alert(1)",
        "ftp://example.com/a.png",
        "//example.com/a.png",
        "data:image/png;base64,AA",
        "java\tscript:alert(1)",
        " https://example.com/a.png",
        "https://exam\nple.com/a.png",
        "https://user:secret@example.com/a.png",
        "http://127.0.0.1:8080/a.png",
        "http://[::1]/a.png",
        "http://localhost/a.png",
        "http://169.254.169.254/latest",
        "/api/agents/../files",
        "/api/agents/x/avatar",
    ] {
        let body = json!({ "name": "x", "avatarUrl": bad });
        assert_eq!(agent.post("/api/v1/agents", body.clone()).await.expect_invalid(), ["avatarUrl"], "{bad}");
        let path = format!("/api/agents/{}", agent.channel);
        let patched = Reply::fetch(person.request(Method::PATCH, &path).json(&body)).await;
        assert_eq!(patched.expect_invalid(), ["avatarUrl"], "{bad}");
    }
    let uploaded = format!("/api/agents/{}/avatar?v=01KB0000000000000000000000", agent.channel);
    for good in ["https://example.com/a.png", "http://93.184.215.14/a.png", &uploaded] {
        let made = agent.post("/api/v1/agents", json!({ "name": "x", "avatarUrl": good })).await.expect(201);
        assert_eq!(made["avatarUrl"], good);
    }
}
