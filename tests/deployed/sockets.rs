//! Socket.IO through the WebSocket API of the deployment, with the official clients for Python and JavaScript.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Agent, Person, SocketClient};

use super::actors;

fn url() -> String {
    std::env::var("PLACET_TEST_SOCKETS_URL").expect("tests/sam/deployed.py sets PLACET_TEST_SOCKETS_URL")
}

fn key(agent: &Agent) -> Value {
    json!({ "apiKey": agent.key })
}

async fn ticket(person: &Person) -> Value {
    json!({ "token": person.post("/api/auth/ws-ticket", json!({})).await.expect(200)["ticket"] })
}

/// Sends messages until the client has heard one and its ping is answered, and reads up to the last of both. The gateway
/// answers frames concurrently: the answer to the ping comes before or after the first messages, and doesn't show that a
/// subscription is made.
async fn until_heard(client: &mut SocketClient, agent: &Agent) {
    let (mut ready, mut heard) = (false, false);
    for _ in 0..60 {
        let last = agent.create_message(json!({ "text": "first" })).await;
        while let Some((name, data)) = client.next_within(Duration::from_secs(1)).await {
            assert!(["ready", "message:created"].contains(&name.as_str()), "{name}: {data}");
            ready |= name == "ready";
            heard |= data["id"] == json!(last);
            if ready && heard {
                return;
            }
        }
        heard = false;
    }
    panic!("the client hears its channel");
}

#[tokio::test]
async fn official_clients_hear_their_channel_in_order_and_once_and_no_other_tenant() {
    let (world, person, agent) = actors().await;
    let stranger = world.person().await.agent().await;
    let (url, channel) = (url(), agent.channel.as_str());
    let mut foreign = SocketClient::python(&url, &key(&stranger), &[channel, &stranger.channel]);
    until_heard(&mut foreign, &stranger).await;
    let mut clients = [
        SocketClient::python(&url, &key(&agent), &[channel]),
        SocketClient::node(&url, &key(&agent), &[channel]),
        SocketClient::node(&url, &ticket(&person).await, &[]),
    ];
    // What one of them causes, those before it hear, too.
    for client in &mut clients {
        until_heard(client, &agent).await;
    }
    let mut sent = vec![];
    for number in 0..5 {
        sent.push(agent.create_message(json!({ "text": format!("{number}") })).await);
    }
    let review = agent.request_approval().await;
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    let long = agent.create_message(json!({ "text": "x".repeat(150_000) })).await;
    for client in &mut clients {
        // Up to the first of these messages: those that were sent until the next client heard one.
        while client.expect("message:created").await["id"] != json!(sent[0]) {}
        for id in sent[1..].iter().chain([&review]) {
            assert_eq!(client.expect("message:created").await["id"], json!(id));
        }
        let answered = client.expect("review:responded").await;
        assert_eq!(answered["review"]["response"]["selectedOption"], "approve");
        let cut = client.expect("message:created").await;
        assert_eq!((&cut["id"], &cut["truncated"]), (&json!(long), &json!(true)));
    }
    let own = stranger.create_message(json!({ "text": "mine" })).await;
    assert_eq!(foreign.expect("message:created").await["id"], json!(own));
}

#[tokio::test]
async fn bad_keys_are_refused_and_a_revoked_one_ends_its_connection() {
    let (_world, person, _) = actors().await;
    let agent = person.agent().await;
    for refused in [json!({}), json!({ "apiKey": "hp_x" }), json!({ "token": "ht_x" })] {
        let mut client = SocketClient::node(&url(), &refused, &[]);
        assert_eq!(client.expect("refused").await, json!({ "message": "unauthorized" }), "{refused}");
    }
    let mut client = SocketClient::python(&url(), &key(&agent), &[&agent.channel]);
    until_heard(&mut client, &agent).await;
    let keys = person.get("/api/api-keys").await.expect(200);
    let own = keys.as_array().unwrap().iter().find(|it| agent.key.starts_with(it["keyPrefix"].as_str().unwrap()));
    person.delete(&format!("/api/api-keys/{}", own.unwrap()["id"].as_str().unwrap())).await.expect(200);
    client.expect("disconnected").await;
    assert_eq!(client.expect("refused").await, json!({ "message": "unauthorized" }));
}
