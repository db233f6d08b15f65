//! `/api/api-keys`: creating, rotating and deleting keys

use futures_util::future::join_all;
use serde_json::json;
use shared::secrets::SecretHash;
use test_support::World;

#[tokio::test]
async fn a_key_is_shown_whole_once() {
    let world = World::start().await;
    let person = world.person().await;
    let created = person.post("/api/api-keys", json!({})).await.expect(201);
    let key = created["key"].as_str().unwrap();
    assert!(key.starts_with("hp_") && key.len() >= 35);
    assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    assert_eq!((&created["label"], created["keyPrefix"].as_str()), (&json!("Default"), key.get(..11)));
    let list = person.get("/api/api-keys").await;
    assert!(!list.text().contains(key));
    insta::assert_json_snapshot!(list.expect(200), {
        "[].id" => "[id]", "[].userId" => "[user]", "[].keyPrefix" => "[prefix]", "[].createdAt" => "[time]",
    }, @r#"
    [
      {
        "createdAt": "[time]",
        "id": "[id]",
        "keyPrefix": "[prefix]",
        "label": "Default",
        "lastUsedAt": null,
        "userId": "[user]"
      }
    ]
    "#);
}

#[tokio::test]
async fn stored_data_holds_no_usable_credential() {
    // An isolated table, because the test reads all of it.
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let signed_in = person.sign_in().await;
    let token = signed_in.session_token().to_owned();
    person.get("/api/auth/me").await.expect(200);
    agent.get("/api/v1/agents").await.expect(200);
    let scan = world.clients.dynamodb.scan().table_name(&world.table).consistent_read(true);
    let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    assert!(items.len() > 5, "{}", items.len());
    let all = format!("{items:?}");
    // The first 11 characters of a key are stored for display.
    for secret in [&agent.key[11..46], &token[3..46], &person.password] {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(all.contains(&agent.key[..11]) && !all.contains(&agent.key[..12]));
    assert!(all.contains(SecretHash::of(&agent.key).as_str()), "the key is found by its hash");
}

#[tokio::test]
async fn a_rotated_key_is_refused_on_the_next_request() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = person.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let rotated = person.post(&format!("/api/api-keys/{id}/rotate"), json!({})).await.expect(200);
    assert_eq!((&rotated["id"], &rotated["label"]), (&json!(id), &json!("A key")));
    agent.get("/api/v1/agents").await.expect_error(401, "unauthorized");
    agent.with_key(rotated["key"].as_str().unwrap()).get("/api/v1/agents").await.expect(200);
    assert_eq!(person.get("/api/api-keys").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn concurrent_rotations_leave_exactly_one_working_key() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = person.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/api-keys/{id}/rotate");
    let replies = join_all((0..3).map(|_| person.post(&path, json!({})))).await;
    let mut working = 0;
    for reply in replies.iter().filter(|reply| reply.status == 200) {
        let agent = agent.with_key(reply.json()["key"].as_str().unwrap());
        working += u32::from(agent.get("/api/v1/agents").await.status == 200);
    }
    assert_eq!(working, 1);
}

#[tokio::test]
async fn a_deleted_key_is_refused_and_not_listed() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.get("/api/v1/agents").await.expect(200);
    let id = person.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(person.delete(&format!("/api/api-keys/{id}")).await.expect(200), json!({ "deleted": true }));
    agent.get("/api/v1/agents").await.expect_error(401, "unauthorized");
    person.delete(&format!("/api/api-keys/{id}")).await.expect_error(404, "not_found");
    person.post(&format!("/api/api-keys/{id}/rotate"), json!({})).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_key_shows_when_it_was_last_used() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    // Recorded in the background, so poll until it is there.
    loop {
        agent.get("/api/v1/agents").await.expect(200);
        if person.get("/api/api-keys").await.expect(200)[0]["lastUsedAt"].is_string() {
            break;
        }
    }
}

#[tokio::test]
async fn a_label_has_1_to_64_characters() {
    let world = World::start().await;
    let person = world.person().await;
    for label in [json!(""), json!("x".repeat(65)), json!(7)] {
        assert_eq!(person.post("/api/api-keys", json!({ "label": label })).await.expect_invalid(), ["label"]);
    }
    person.post("/api/api-keys", json!({ "label": "x".repeat(64) })).await.expect(201);
}
