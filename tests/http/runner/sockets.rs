//! Socket.IO of `placet-local`, with the official client for Python: who is let in, and which events reach whom.

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Person, Reply, Runner, SocketClient};

/// A client with the agent's key that has subscribed to these channels.
async fn client_of(agent: &Agent, url: &str, channels: &[&str]) -> SocketClient {
    let mut client = SocketClient::python(url, &json!({ "apiKey": agent.key }), channels);
    client.expect("ready").await;
    client
}

/// A runner, its owner and an agent of theirs.
pub async fn start() -> (Runner, TempDir, Person, Agent) {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let (person, agent) = (runner.person().await, runner.agent());
    (runner, dir, person, agent)
}

/// A member with an agent of their own.
async fn member(runner: &Runner, owner: &Person) -> (Person, Agent) {
    let (email, password) = (test_support::random_email(), "long enough");
    let new = json!({ "email": email, "displayName": "Ben", "password": password });
    owner.post("/api/users", new).await.expect(201);
    let person = Person::signed_out(runner.text("url"), &email, password);
    person.sign_in().await.expect(200);
    let agent = person.agent().await;
    (person, agent)
}

async fn ticket(person: &Person) -> Value {
    json!({ "token": person.post("/api/auth/ws-ticket", json!({})).await.expect(200)["ticket"] })
}

#[tokio::test]
async fn the_events_of_a_channel_come_in_order_and_once() {
    let (runner, _dir, person, agent) = start().await;
    let (_, stranger) = member(&runner, &person).await;
    let url = runner.text("url");
    let mut client = client_of(&agent, url, &[&agent.channel]).await;
    let mut foreign = client_of(&stranger, url, &[&agent.channel, &stranger.channel]).await;
    let other = person.agent().await;
    other.create_message(json!({ "text": "in another channel" })).await;

    let plain = agent.create_message(json!({ "text": "Hello" })).await;
    let created = client.expect("message:created").await;
    assert_eq!(
        (&created["id"], &created["text"], &created["senderType"]),
        (&json!(plain), &json!("Hello"), &json!("agent"))
    );
    person.post("/api/messages", json!({ "channelId": agent.channel, "text": "Hi" })).await.expect(201);
    assert_eq!(client.expect("message:created").await["senderType"], "user");

    let review = agent.request_approval().await;
    assert_eq!(client.expect("message:created").await["review"]["status"], "pending");
    let answered = person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    let responded = client.expect("review:responded").await;
    assert_eq!((&responded["id"], &responded["review"]), (&json!(review), &answered["review"]));
    Reply::fetch(
        agent.request(reqwest::Method::POST, &format!("/api/v1/messages/{plain}/ack?channel={}", agent.channel)),
    )
    .await
    .expect(200);
    let delivery = json!({ "messageId": plain, "deliveryStatus": "agent_received" });
    assert_eq!(client.expect("message:delivery").await, delivery);

    let cancelled = agent.request_approval().await;
    client.expect("message:created").await;
    agent.cancel(&cancelled, json!({})).await.expect(200);
    assert_eq!(client.expect("review:cancelled").await, json!({ "messageId": cancelled }));
    let draft = json!({ "text": "one", "streamId": "s", "streamState": "streaming" });
    agent.create_message(draft).await;
    client.expect("message:created").await;
    let more = json!({ "channelId": agent.channel, "text": "one two", "complete": true });
    Reply::fetch(agent.request(reqwest::Method::PATCH, "/api/v1/messages/streams/s").json(&more)).await.expect(200);
    assert_eq!(client.expect("message:updated").await["text"], "one two");
    agent
        .post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy", "message": "m" }))
        .await
        .expect(201);
    let status = client.expect("agent:status").await;
    assert_eq!(
        (&status["agentId"], &status["status"], &status["statusMessage"]),
        (&json!(agent.channel), &json!("busy"), &json!("m"))
    );
    agent.delete_in_channel(&format!("/api/v1/messages/{plain}")).await.expect(200);
    assert_eq!(client.expect("message:deleted").await["id"], plain);

    client.emit("unsubscribe:channel", json!(agent.channel)).await;
    client.emit("ping", json!(null)).await;
    client.expect("ready").await;
    agent.create_message(json!({ "text": "not heard" })).await;
    // The stranger's first event is of their own channel. All that was written before it has been sent by then.
    let own = stranger.create_message(json!({ "text": "mine" })).await;
    assert_eq!(foreign.expect("message:created").await["id"], own);
    client.emit("subscribe:channel", json!(agent.channel)).await;
    client.emit("ping", json!(null)).await;
    client.expect("ready").await;
    let last = agent.create_message(json!({ "text": "heard" })).await;
    assert_eq!(client.expect("message:created").await["id"], last);
}

#[tokio::test]
async fn an_expired_review_is_announced() {
    let (runner, _dir, _, agent) = start().await;
    let mut client = client_of(&agent, runner.text("url"), &[&agent.channel]).await;
    let review = json!({ "review": { "type": "approval", "expiresInSeconds": 1 } });
    let id = agent.create_message(review).await;
    client.expect("message:created").await;
    // Whoever reads it first stores that it has expired.
    while agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["status"] == "pending" {}
    assert_eq!(client.expect("review:expired").await, json!({ "messageId": id }));
}

#[tokio::test]
async fn a_bad_credential_is_refused_before_the_connection() {
    let (runner, _dir, person, agent) = start().await;
    let used = ticket(&person).await;
    let mut first = SocketClient::python(runner.text("url"), &used, &[]);
    first.expect("ready").await;
    let forged = agent.forged_key();
    for auth in [json!({}), json!({ "apiKey": "hp_x" }), json!({ "apiKey": forged }), json!({ "apiKey": 1 }), used] {
        let mut client = SocketClient::python(runner.text("url"), &auth, &[&agent.channel]);
        assert_eq!(client.expect("refused").await, json!({ "message": "unauthorized" }), "{auth}");
    }
    let polling = agent.get("/socket.io/?EIO=4&transport=polling").await;
    assert!(polling.status == 400 && polling.text().contains("websocket"), "{}", polling.text());
}

#[tokio::test]
async fn a_person_hears_all_their_channels_without_passwords_until_they_sign_out() {
    let (runner, _dir, person, agent) = start().await;
    let (stranger, _) = member(&runner, &person).await;
    let mut client = SocketClient::python(runner.text("url"), &ticket(&person).await, &[&agent.channel]);
    client.expect("ready").await;
    let mut asking = client_of(&agent, runner.text("url"), &[&agent.channel]).await;
    let mut foreign = SocketClient::python(runner.text("url"), &ticket(&stranger).await, &[]);
    foreign.expect("ready").await;
    let elsewhere = person.agent().await.create_message(json!({ "text": "elsewhere" })).await;
    assert_eq!(client.expect("message:created").await["id"], elsewhere);
    let fields = json!([{ "name": "pin", "type": "password", "label": "PIN" }]);
    let form = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&form, json!({ "pin": "S3CRET" })).await.expect(201);
    for (who, pin) in [(&mut client, "***REDACTED***"), (&mut asking, "S3CRET")] {
        who.expect("message:created").await;
        assert_eq!(who.expect("review:responded").await["review"]["response"]["pin"], pin);
    }
    person.post("/api/auth/logout", json!({})).await.expect(200);
    client.expect("disconnected").await;
    let own = stranger.agent().await.create_message(json!({ "text": "mine" })).await;
    assert_eq!(foreign.expect("message:created").await["id"], own);
}

#[tokio::test]
async fn a_revoked_key_closes_its_connections() {
    let (runner, _dir, person, _) = start().await;
    let agent = person.agent().await;
    let mut client = client_of(&agent, runner.text("url"), &[&agent.channel]).await;
    let keys = person.get("/api/api-keys").await.expect(200);
    let of_agent = |key: &&Value| agent.key.starts_with(key["keyPrefix"].as_str().unwrap());
    let id = keys.as_array().unwrap().iter().find(of_agent).expect("the key")["id"].as_str().unwrap().to_owned();
    person.delete(&format!("/api/api-keys/{id}")).await.expect(200);
    client.expect("disconnected").await;
    assert_eq!(client.expect("refused").await, json!({ "message": "unauthorized" }));
}

#[tokio::test]
async fn deltas_reach_those_who_watch_and_no_foreign_channel() {
    let (runner, _dir, person, agent) = start().await;
    let (_, stranger) = member(&runner, &person).await;
    let url = runner.text("url");
    let mut sender = client_of(&agent, url, &[&agent.channel]).await;
    let mut reader = SocketClient::python(url, &ticket(&person).await, &[]);
    reader.expect("ready").await;
    let mut foreign = client_of(&stranger, url, &[]).await;
    foreign.emit("message:delta", json!({ "channelId": agent.channel, "delta": "forged" })).await;
    foreign.emit("ping", json!(null)).await;
    foreign.expect("ready").await;
    for (name, data) in [
        ("message:delta", json!({ "channelId": agent.channel, "delta": "He", "streamId": "s:1" })),
        ("message:progress", json!({ "channelId": agent.channel, "content": "thinking" })),
        ("agent:commands", json!({ "channelId": agent.channel, "commands": [] })),
    ] {
        sender.emit(name, data.clone()).await;
        assert_eq!(reader.expect(name).await, data);
    }
    // The sender itself gets none of them back.
    let id = agent.create_message(json!({ "text": "x" })).await;
    assert_eq!(sender.expect("message:created").await["id"], id);
}

#[tokio::test]
async fn keys_of_one_agent_and_keys_that_only_read_are_held_to_that() {
    let (runner, _dir, person, agent) = start().await;
    let (other, url) = (person.agent().await, runner.text("url"));
    let made = async |scope| person.post("/api/api-keys", scope).await.expect(201)["key"].clone();
    let own = agent.with_key(made(json!({ "agentId": agent.channel })).await.as_str().unwrap());
    let reader = agent.with_key(made(json!({ "readOnly": true })).await.as_str().unwrap());
    let both = [agent.channel.as_str(), other.channel.as_str()];
    let mut own = client_of(&own, url, &both).await;
    let mut reader = client_of(&reader, url, &both).await;
    let mut all = client_of(&other, url, &both).await;
    // Neither key writes there.
    own.emit("message:delta", json!({ "channelId": other.channel, "delta": "forged" })).await;
    reader.emit("message:delta", json!({ "channelId": agent.channel, "delta": "forged" })).await;
    for client in [&mut own, &mut reader] {
        client.emit("ping", json!(null)).await;
        client.expect("ready").await;
    }
    let elsewhere = other.create_message(json!({ "text": "elsewhere" })).await;
    let here = agent.create_message(json!({ "text": "here" })).await;
    for (client, heard) in
        [(&mut own, vec![&here]), (&mut reader, vec![&elsewhere, &here]), (&mut all, vec![&elsewhere, &here])]
    {
        for id in heard {
            assert_eq!(client.expect("message:created").await["id"], json!(id));
        }
    }
    let delta = json!({ "channelId": agent.channel, "delta": "own" });
    own.emit("message:delta", delta.clone()).await;
    for client in [&mut reader, &mut all] {
        assert_eq!(client.expect("message:delta").await, delta);
    }
}

#[tokio::test]
async fn clients_connect_again_after_a_kill() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    let port = reqwest::Url::parse(runner.text("url")).unwrap().port().unwrap().to_string();
    let mut client = client_of(&agent, runner.text("url"), &[&agent.channel]).await;
    runner.kill().await;
    client.expect("disconnected").await;
    let mut command = Runner::command();
    command.args(["--json", "--port", &port, "--data-dir"]).arg(dir.path());
    let _again = Runner::from(command).await;
    while client.next().await.0 != "ready" {}
    let id = agent.create_message(json!({ "text": "after" })).await;
    assert_eq!(client.expect("message:created").await["id"], id);
}
