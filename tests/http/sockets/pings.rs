//! The schedule: pings, clients that never signed in, and credentials that have ended

use std::time::Duration;

use serde_json::json;
use shared::storage::Socket;
use test_support::World;

use crate::sockets::gateway::Gateway;

#[tokio::test]
async fn clients_are_pinged_as_long_as_they_are_there() {
    let world = World::isolated().await;
    let gateway = Gateway::start(&world).await;
    let agent = world.person().await.agent().await;
    gateway.watch("a=", &json!({ "apiKey": agent.key }), &agent.channel).await;
    gateway.connect("silent=").await;
    world.advance_clock(Duration::from_secs(61));
    expiry::handle(&gateway.expiry).await.unwrap();
    assert!(!gateway.is_open("silent=") && gateway.is_open("a="), "a client without a credential is disconnected");
    for _ in 0..2 {
        world.advance_clock(Duration::from_secs(201));
        expiry::handle(&gateway.expiry).await.unwrap();
        assert_eq!(gateway.next("a=").await, "2");
        gateway.send("a=", "3").await;
    }
    gateway.vanish("a=");
    world.advance_clock(Duration::from_secs(201));
    expiry::handle(&gateway.expiry).await.unwrap();
    assert!(matches!(gateway.app.store.sockets().find("a=").await.unwrap(), Socket::Ended), "nothing is due any more");
}

#[tokio::test]
async fn a_key_with_an_end_ends_its_connections_with_it() {
    let world = World::isolated().await;
    let gateway = Gateway::start(&world).await;
    let person = world.person().await;
    let agent = person.agent().await;
    let end = world.app.clock.now().plus(Duration::from_secs(300));
    let guest = person.post("/api/api-keys", json!({ "expiresAt": end })).await.expect(201)["key"].clone();
    gateway.watch("a=", &json!({ "apiKey": guest }), &agent.channel).await;
    world.advance_clock(Duration::from_secs(301));
    expiry::handle(&gateway.expiry).await.unwrap();
    assert!(!gateway.is_open("a="));
}
