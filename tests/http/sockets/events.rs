//! Which events reach whom

use ::sockets::MAX_FRAME_BYTES;
use serde_json::json;
use shared::caller::AgentCaller;
use shared::ids::{AgentId, UserId};

use crate::sockets::gateway::{key, rooms, start, ticket};

#[tokio::test]
async fn events_come_in_order_once_and_to_no_other_tenant() {
    let (world, gateway, person, agent) = start().await;
    let stranger = world.person().await.agent().await;
    gateway.watch("mine=", &key(&agent), &agent.channel).await;
    gateway.watch("page=", &ticket(&person).await, &agent.channel).await;
    gateway.watch("theirs=", &key(&stranger), &agent.channel).await;
    gateway.send("theirs=", &format!("42/ws,{}", json!(["subscribe:channel", stranger.channel]))).await;
    let mut sent = vec![];
    for number in 0..10 {
        sent.push(agent.create_message(json!({ "text": format!("{number}") })).await);
    }
    for id in ["mine=", "page="] {
        for message in &sent {
            let (name, data) = gateway.event(id).await;
            assert_eq!((name.as_str(), &data["id"]), ("message:created", &json!(message)));
        }
    }
    // What the stream repeats reaches nobody again.
    gateway.repeat_stream().await;
    let last = agent.create_message(json!({ "text": "last" })).await;
    for id in ["mine=", "page="] {
        assert_eq!(gateway.event(id).await.1["id"], json!(last));
    }
    let own = stranger.create_message(json!({ "text": "theirs" })).await;
    assert_eq!(gateway.event("theirs=").await.1["id"], json!(own));
}

#[tokio::test]
async fn answers_to_password_fields_reach_agents_alone() {
    let (_world, gateway, person, agent) = start().await;
    gateway.watch("agent=", &key(&agent), &agent.channel).await;
    assert!(gateway.sign_in("page=", &ticket(&person).await).await.starts_with("40/ws,"));
    let fields = json!([{ "name": "pin", "type": "password", "label": "PIN" }]);
    let form = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&form, json!({ "pin": "S3CRET" })).await.expect(201);
    for (id, pin) in [("agent=", "S3CRET"), ("page=", "***REDACTED***")] {
        assert_eq!(gateway.event(id).await.0, "message:created");
        let (name, data) = gateway.event(id).await;
        assert_eq!((name.as_str(), &data["review"]["response"]["pin"]), ("review:responded", &json!(pin)));
    }
}

#[tokio::test]
async fn a_client_that_is_gone_is_removed_at_the_first_410() {
    let (world, gateway, person, agent) = start().await;
    gateway.watch("gone=", &key(&agent), &agent.channel).await;
    gateway.watch("stays=", &key(&agent), &agent.channel).await;
    assert_eq!(rooms(&world, &person).await.len(), 4);
    gateway.vanish("gone=");
    agent.create_message(json!({ "text": "x" })).await;
    gateway.event("stays=").await;
    // The event after it is sent once the first is done.
    agent.create_message(json!({ "text": "y" })).await;
    gateway.event("stays=").await;
    let left = rooms(&world, &person).await;
    assert!(left.len() == 2 && left.iter().all(|sort| sort.ends_with("#stays=")), "{left:?}");
    gateway.close("stays=").await;
    assert_eq!(rooms(&world, &person).await, [""; 0]);
}

#[tokio::test]
async fn a_room_that_was_stored_while_its_connection_ended_is_removed_at_the_first_410() {
    let (world, gateway, person, agent) = start().await;
    gateway.watch("stays=", &key(&agent), &agent.channel).await;
    gateway.watch("ended=", &key(&agent), &agent.channel).await;
    let user: UserId = person.user_id().await.parse().unwrap();
    gateway.close("ended=").await;
    let (caller, channel): (_, AgentId) = (AgentCaller::with_key(&agent.key).unwrap(), agent.channel.parse().unwrap());
    gateway.app.store.sockets().subscribe("ended=", user, channel, &(&caller).into()).await.unwrap();
    assert_eq!(rooms(&world, &person).await.len(), 3);
    agent.create_message(json!({ "text": "x" })).await;
    agent.create_message(json!({ "text": "y" })).await;
    for _ in 0..2 {
        gateway.event("stays=").await;
    }
    assert_eq!(rooms(&world, &person).await.len(), 2);
}

#[tokio::test]
async fn a_frame_that_may_have_been_lost_is_not_repeated_and_ends_its_connection() {
    let (world, gateway, person, agent) = start().await;
    gateway.watch("stays=", &key(&agent), &agent.channel).await;
    gateway.watch("fails=", &key(&agent), &agent.channel).await;
    gateway.fail("fails=");
    agent.create_message(json!({ "text": "x" })).await;
    agent.create_message(json!({ "text": "y" })).await;
    for _ in 0..2 {
        gateway.event("stays=").await;
    }
    gateway.ended("fails=").await;
    assert_eq!(gateway.received("fails="), 1, "the frame was sent once");
    assert!(rooms(&world, &person).await.iter().all(|sort| sort.ends_with("#stays=")));
}

#[tokio::test]
async fn a_repeated_batch_opens_no_connection_twice() {
    let (_world, gateway, _, agent) = start().await;
    gateway.watch("a=", &key(&agent), &agent.channel).await;
    gateway.repeat_stream().await;
    gateway.send("a=", "2probe").await;
    assert_eq!(gateway.next("a=").await, "3probe");
}

#[tokio::test]
async fn a_client_leaves_a_channel_and_enters_it_again() {
    let (_world, gateway, person, agent) = start().await;
    gateway.watch("a=", &key(&agent), &agent.channel).await;
    gateway.watch("b=", &key(&agent), &agent.channel).await;
    gateway.send("a=", &format!("42/ws,{}", json!(["unsubscribe:channel", agent.channel]))).await;
    agent.create_message(json!({ "text": "not heard" })).await;
    gateway.event("b=").await;
    gateway.send("a=", &format!("42/ws,{}", json!(["subscribe:channel", agent.channel]))).await;
    let heard = agent.create_message(json!({ "text": "heard" })).await;
    assert_eq!(gateway.event("a=").await.1["id"], json!(heard));
    // A person's read mark.
    assert!(gateway.sign_in("page=", &ticket(&person).await).await.starts_with("40/ws,"));
    let unread = async || person.get("/api/agents").await.expect(200)[0]["unreadCount"].clone();
    let before = unread().await;
    gateway.send("page=", &format!("42/ws,{}", json!(["channel:read", agent.channel]))).await;
    assert_ne!((before, json!(0)), (json!(0), unread().await), "the channel was unread, and is read");
}

#[tokio::test]
async fn a_long_message_is_cut_and_says_so() {
    let (_world, gateway, _, agent) = start().await;
    gateway.watch("a=", &key(&agent), &agent.channel).await;
    let id = agent.create_message(json!({ "text": "x".repeat(150_000) })).await;
    let frame = gateway.next("a=").await;
    assert!(frame.len() <= MAX_FRAME_BYTES, "{}", frame.len());
    let event: serde_json::Value = serde_json::from_str(frame.trim_start_matches("42/ws,")).unwrap();
    assert_eq!((&event[1]["id"], &event[1]["truncated"]), (&json!(id), &json!(true)));
    assert!(event[1]["text"].as_str().unwrap().len() > 90_000);
}

#[tokio::test]
async fn events_of_clients_reach_the_others_of_their_own_channel() {
    let (world, gateway, person, agent) = start().await;
    let stranger = world.person().await.agent().await;
    gateway.watch("sender=", &key(&agent), &agent.channel).await;
    assert!(gateway.sign_in("page=", &ticket(&person).await).await.starts_with("40/ws,"));
    assert!(gateway.sign_in("foreign=", &key(&stranger)).await.starts_with("40/ws,"));
    let delta = |text: &str| json!(["message:delta", { "channelId": agent.channel, "delta": text }]);
    gateway.send("foreign=", &format!("42/ws,{}", delta("forged"))).await;
    gateway.send("sender=", &format!("42/ws,{}", delta("He"))).await;
    assert_eq!(gateway.event("page=").await.1["delta"], "He");
    // A client hears its own events from the others only.
    let id = agent.create_message(json!({ "text": "x" })).await;
    assert_eq!(gateway.event("sender=").await.1["id"], json!(id));
}
