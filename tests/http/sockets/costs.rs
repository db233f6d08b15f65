//! Capacity units of connections, pings and events: those that docs/COST.md computes with.

use std::time::Duration;

use serde_json::json;
use shared::telemetry::cost::CostTotals;

use crate::sockets::gateway::{key, start, with_cost};

#[tokio::test]
async fn the_units_of_sockets_are_those_that_the_document_computes_with() {
    let (world, gateway, _person, agent) = start().await;
    // Nothing but the empty rooms is read where nobody watches.
    agent.create_message(json!({ "text": "x" })).await;
    let unwatched = gateway.stream_cost("MESSAGE#").await;
    gateway.establish("a=");
    let (_, connected) = gateway.pass_with_cost("CONNECT", "a=", None).await;
    let opened = gateway.stream_cost("SOCKET").await;
    assert!(gateway.next("a=").await.starts_with('0'));
    let (_, signed_in) = gateway.pass_with_cost("MESSAGE", "a=", Some(&format!("40/ws,{}", key(&agent)))).await;
    let subscribe = format!("42/ws,{}", json!(["subscribe:channel", agent.channel]));
    let (_, subscribed) = gateway.pass_with_cost("MESSAGE", "a=", Some(&subscribe)).await;
    assert!(gateway.next("a=").await.starts_with("40/ws,"));
    gateway.stream_cost("CHANNEL#").await;
    agent.create_message(json!({ "text": "x" })).await;
    let watched = gateway.stream_cost("MESSAGE#").await;
    gateway.event("a=").await;

    let (_, idle) = with_cost(expiry::handle(&gateway.expiry)).await;
    world.advance_clock(Duration::from_secs(261));
    let (_, pinging) = with_cost(expiry::handle(&gateway.expiry)).await;
    assert_eq!(gateway.next("a=").await, "2");
    let (_, answered) = gateway.pass_with_cost("MESSAGE", "a=", Some("3")).await;
    let (_, closed) = gateway.pass_with_cost("DISCONNECT", "a=", None).await;

    let ping = CostTotals {
        read_units: pinging.read_units - idle.read_units,
        write_units: pinging.write_units - idle.write_units,
        ..CostTotals::default()
    };
    if world.in_process().is_none() {
        return; // Only the embedded engines count units exactly.
    }
    for (what, cost, reads, writes) in [
        ("an event that nobody watches", unwatched, 2.0, 0.0),
        ("an event that somebody watches", watched, 2.0, 1.0),
        ("$connect", connected, 0.0, 2.0),
        ("the first frame", opened, 0.0, 1.0),
        ("the sign-in", signed_in, 5.0, 6.0),
        ("a subscription", subscribed, 4.0, 1.0),
        ("a ping", ping, 3.0, 3.0),
        ("its answer", answered, 0.0, 0.0),
        ("the end", closed, 2.0, 4.0),
    ] {
        assert_eq!((cost.read_units, cost.write_units), (reads, writes), "{what}");
    }
}
