//! Who is let in, and what keys may reach

use serde_json::json;
use shared::aws::Clients;
use shared::http::App;
use test_support::fault_injection::FaultyProxy;
use test_support::secrets;

use crate::sockets::gateway::{key, rooms, start, ticket};

#[tokio::test]
async fn bad_credentials_are_refused_and_a_client_may_try_again() {
    let (_world, gateway, person, agent) = start().await;
    let forged = agent.forged_key();
    for (id, auth) in [("a=", json!({})), ("b=", json!({ "apiKey": forged })), ("c=", json!({ "token": "ht_x" }))] {
        assert_eq!(gateway.sign_in(id, &auth).await, "44/ws,{\"message\":\"unauthorized\"}", "{auth}");
        // Without a credential nothing is answered.
        gateway.send(id, "42/ws,[\"ping\"]").await;
        gateway.send(id, &format!("40/ws,{}", key(&agent))).await;
        assert!(gateway.next(id).await.starts_with("40/ws,{\"sid\":"), "{auth}");
    }
    let used = ticket(&person).await;
    assert!(gateway.sign_in("d=", &used).await.starts_with("40/ws,"));
    assert_eq!(gateway.sign_in("e=", &used).await, "44/ws,{\"message\":\"unauthorized\"}");
    gateway.connect("f=").await;
    gateway.send("f=", "nonsense").await;
    assert!(!gateway.is_open("f="));
}

#[tokio::test]
async fn keys_of_one_agent_and_keys_that_only_read_are_held_to_that() {
    let (_world, gateway, person, agent) = start().await;
    let other = person.agent().await;
    let made = async |scope| person.post("/api/api-keys", scope).await.expect(201)["key"].clone();
    let own = made(json!({ "agentId": agent.channel })).await;
    let reader = made(json!({ "readOnly": true })).await;
    gateway.watch("own=", &json!({ "apiKey": own }), &other.channel).await;
    gateway.send("own=", &format!("42/ws,{}", json!(["subscribe:channel", agent.channel]))).await;
    gateway.watch("reader=", &json!({ "apiKey": reader }), &agent.channel).await;
    gateway.watch("all=", &key(&other), &other.channel).await;
    let delta = |channel: &str| json!(["message:delta", { "channelId": channel, "delta": "x" }]);
    gateway.send("own=", &format!("42/ws,{}", delta(&other.channel))).await;
    gateway.send("reader=", &format!("42/ws,{}", delta(&agent.channel))).await;
    let elsewhere = other.create_message(json!({ "text": "elsewhere" })).await;
    assert_eq!(gateway.event("all=").await.1["id"], json!(elsewhere));
    let here = agent.create_message(json!({ "text": "here" })).await;
    for id in ["own=", "reader="] {
        assert_eq!(gateway.event(id).await.1["id"], json!(here), "{id}");
    }
    gateway.send("own=", &format!("42/ws,{}", delta(&agent.channel))).await;
    assert_eq!(gateway.event("reader=").await.0, "message:delta");
}

#[tokio::test]
async fn a_revoked_key_ends_its_connections() {
    let (world, gateway, person, _) = start().await;
    let agent = person.agent().await;
    gateway.watch("a=", &key(&agent), &agent.channel).await;
    let keys = person.get("/api/api-keys").await.expect(200);
    let own = keys.as_array().unwrap().iter().find(|it| agent.key.starts_with(it["keyPrefix"].as_str().unwrap()));
    person.delete(&format!("/api/api-keys/{}", own.unwrap()["id"].as_str().unwrap())).await.expect(200);
    gateway.ended("a=").await;
    assert_eq!(gateway.sign_in("b=", &key(&agent)).await, "44/ws,{\"message\":\"unauthorized\"}");
    assert!(rooms(&world, &person).await.iter().all(|sort| !sort.ends_with("#a=")));
}

#[tokio::test]
async fn a_frame_that_storage_cannot_handle_ends_its_connection() {
    let (world, mut gateway, _, agent) = start().await;
    gateway.watch("a=", &key(&agent), &agent.channel).await;
    let mut endpoints = world.endpoints_over_tcp().await;
    let proxy = FaultyProxy::start(&endpoints.dynamodb, 1).await;
    endpoints.dynamodb = proxy.url.clone();
    let (clients, clock, waits) =
        (Clients::at(&endpoints).await, world.app.clock.clone(), world.app.long_polls.clone());
    let app = App::new(&clients, &world.table, world.bucket(), clock, waits, secrets());
    gateway.app = App { sockets: gateway.app.sockets.clone(), ..app };
    proxy.fail_all(true);
    let subscribe = format!("42/ws,{}", json!(["subscribe:channel", agent.channel]));
    assert_eq!(gateway.pass_with_cost("MESSAGE", "a=", Some(&subscribe)).await.0, 503);
    assert!(!gateway.is_open("a="), "the client connects again rather than wait for events that never come");
    assert_eq!(gateway.pass_with_cost("CONNECT", "b=", None).await.0, 503);
}
