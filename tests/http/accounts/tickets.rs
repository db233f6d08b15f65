//! `POST /api/auth/ws-ticket`

use serde_json::json;
use shared::error::Error;
use test_support::{Person, World};

#[tokio::test]
async fn a_ticket_is_good_once_and_for_a_minute() {
    let world = World::start().await;
    let person = world.person().await;
    let ticket = async || {
        let made = person.post("/api/auth/ws-ticket", json!({})).await.expect(200);
        made["ticket"].as_str().expect("a ticket").to_owned()
    };
    let (store, first) = (&world.app.store, ticket().await);
    let session = store.accounts().use_ticket(&first).await.expect("a session");
    let (user, _) = store.authenticate(&session, &[]).await.expect("a user");
    assert_eq!(user.to_string(), person.user_id().await);
    for used in [first.as_str(), "nonsense", &first[..first.len() - 1], "ht_"] {
        assert!(matches!(store.accounts().use_ticket(used).await, Err(Error::NoSession)), "{used}");
    }
    let of_ended = ticket().await;
    person.post("/api/auth/logout", json!({})).await.expect(200);
    let session = store.accounts().use_ticket(&of_ended).await.expect("a session");
    assert!(matches!(store.authenticate(&session, &[]).await, Err(Error::NoSession)), "the session has ended");
}

#[tokio::test]
async fn a_ticket_needs_a_session() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.post("/api/auth/ws-ticket", json!({})).await.expect_error(401, "unauthorized");
    let agent = world.person().await.agent().await;
    agent.post("/api/auth/ws-ticket", json!({})).await.expect_error(401, "unauthorized");
}
