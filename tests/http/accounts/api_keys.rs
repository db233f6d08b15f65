//! `/api/api-keys`: creating, rotating and deleting keys

use std::time::Duration;

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
        "agentId": null,
        "createdAt": "[time]",
        "expiresAt": null,
        "id": "[id]",
        "keyPrefix": "[prefix]",
        "label": "Default",
        "lastUsedAt": null,
        "readOnly": false,
        "userId": "[user]"
      }
    ]
    "#);
}

#[tokio::test]
async fn what_a_key_may_reach_is_chosen_when_it_is_made() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, foreign) = (person.agent().await, other.agent().await);
    let end = world.app.clock.now().plus(Duration::from_secs(3600)).to_string();
    let scope = json!({ "label": "a guest", "agentId": agent.channel, "readOnly": true, "expiresAt": end });
    let made = person.post("/api/api-keys", scope.clone()).await.expect(201);
    let listed = person.get("/api/api-keys").await.expect(200);
    let listed = listed.as_array().unwrap().iter().find(|it| it["id"] == made["id"]).unwrap().clone();
    for member in ["label", "agentId", "readOnly", "expiresAt"] {
        assert_eq!((&made[member], &listed[member]), (&scope[member], &scope[member]), "{member}");
    }
    let page = person.get("/settings/keys").await.text();
    assert!(page.contains("Read only") && page.contains("Ends ") && page.contains("May only read"), "{page}");

    // A rotated key reaches as much as before.
    let path = format!("/api/api-keys/{}/rotate", made["id"].as_str().unwrap());
    let rotated = person.post(&path, json!({})).await.expect(200);
    let guest = agent.with_key(rotated["key"].as_str().unwrap());
    guest.send(json!({ "text": "x" })).await.expect_error(403, "read_only_key");
    guest.get_in_channel("/api/v1/messages").await.expect(200);
    agent.with_key(made["key"].as_str().unwrap()).get("/api/v1/agents").await.expect_error(401, "unauthorized");

    for unknown in [foreign.channel.as_str(), "agt_01M8HSA01HXWY1HY4MN0K2ED4Y", "nothing"] {
        let refused = person.post("/api/api-keys", json!({ "agentId": unknown })).await;
        assert_eq!(refused.expect_invalid(), ["agentId"]);
        assert_eq!(refused.json()["errors"][0]["code"], "unknown_agent");
    }
    let past = json!({ "expiresAt": "2026-01-31T09:30:00Z" });
    assert_eq!(person.post("/api/api-keys", past).await.expect_invalid(), ["expiresAt"]);
    let wrong = json!({ "agentId": 7, "readOnly": "yes", "expiresAt": "soon" });
    assert_eq!(person.post("/api/api-keys", wrong).await.expect_invalid(), ["agentId", "readOnly", "expiresAt"]);
}

#[tokio::test]
async fn a_key_cannot_be_made_to_name_another_agent() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let made = person.post("/api/api-keys", json!({ "agentId": agent.channel })).await.expect(201);
    let key = made["key"].as_str().unwrap();
    let (start, named) = key.split_at(key.len() - 26);
    assert_eq!(agent.channel, format!("agt_{named}"));
    for forged in [start.to_owned(), format!("{start}{}", &other.channel[4..]), format!("{key}{named}")] {
        agent.with_key(&forged).get("/api/v1/agents").await.expect_error(401, "unauthorized");
    }
    let forged = format!("{}{named}", agent.key);
    agent.with_key(&forged).get("/api/v1/agents").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn the_log_says_which_key_made_a_call() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let made = person.post("/api/api-keys", json!({ "readOnly": true })).await.expect(201);
    let reader = agent.with_key(made["key"].as_str().unwrap());
    reader.get_in_channel("/api/v1/messages").await.expect(200);
    reader.send(json!({ "text": "x" })).await.expect_error(403, "read_only_key");
    let logs = async || {
        let logs = person.get("/api/logs").await.expect(200)["data"].clone();
        logs.as_array().unwrap().iter().filter(|it| it["apiKeyId"] == made["id"]).cloned().collect::<Vec<_>>()
    };
    let mut of_key = logs().await;
    while of_key.len() < 2 {
        tokio::task::yield_now().await;
        of_key = logs().await;
    }
    assert!(of_key.iter().all(|it| it["apiKeyPrefix"] == made["keyPrefix"]), "{of_key:?}");
    assert_eq!([&of_key[0]["statusCode"], &of_key[1]["statusCode"]], [403, 200]);
    let page = person.get("/logs").await.text();
    assert!(page.contains(made["keyPrefix"].as_str().unwrap()), "{page}");
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

/// A key must not reach more than its maker meant. Other unknown members are ignored, as everywhere.
#[tokio::test]
async fn a_misspelt_limit_makes_no_key() {
    let world = World::start().await;
    let person = world.person().await;
    for name in ["readonly", "read_only", "agent", "channelId", "expires_at", "validUntil", "scopes"] {
        let refused = person.post("/api/api-keys", json!({ "label": "x", name: "x" })).await;
        assert_eq!(refused.expect_invalid(), [name]);
    }
    assert_eq!(person.get("/api/api-keys").await.expect(200), json!([]));
    person.post("/api/api-keys", json!({ "label": "x", "colour": "red" })).await.expect(201);
}
