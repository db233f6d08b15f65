//! `PATCH /api/plugins/{name}`: settings that owners change.

use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use shared::caller::HumanCaller;
use test_support::World;

use crate::plugins::callers::{update_settings, with_calling_plugins};

#[tokio::test]
async fn owners_set_plugin_settings_and_secrets_are_never_shown() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, false).await;
    let secret = "s3cret ü \u{0}";
    let changed = update_settings(&owner, "caller", json!({ "TOKEN": secret, "GREETING": "hi" })).await;
    assert!(!changed.text().contains("s3cret"));
    insta::assert_json_snapshot!(changed.expect(200), @r#"
    {
      "author": null,
      "description": null,
      "displayName": "caller",
      "enabled": true,
      "env": [
        {
          "default": null,
          "description": null,
          "isSet": true,
          "key": "TOKEN",
          "label": "Token",
          "required": true,
          "secret": true,
          "value": null
        },
        {
          "default": "hello",
          "description": "What it says",
          "isSet": true,
          "key": "GREETING",
          "label": "Greeting",
          "required": false,
          "secret": false,
          "value": "hi"
        }
      ],
      "icon": null,
      "inputSchema": null,
      "name": "caller",
      "permissions": {
        "httpRequests": true,
        "maxHttpDomains": [
          "127.0.0.1",
          "localhost",
          "192.0.2.1"
        ]
      },
      "version": "1.0.0"
    }
    "#);
    let listed = owner.get("/api/plugins").await.expect(200);
    assert_eq!(listed[1], changed.json(), "members and owners see the same list, by name");
    assert_eq!((&listed[0]["env"][0]["isSet"], &listed[0]["env"][1]["value"]), (&json!(false), &Value::Null));

    // `null` clears one setting and keeps the other.
    let env = update_settings(&owner, "caller", json!({ "GREETING": null })).await.expect(200)["env"].clone();
    assert_eq!((&env[0]["isSet"], &env[1]["isSet"], &env[1]["value"]), (&json!(true), &json!(false), &Value::Null));
    assert_eq!(update_settings(&owner, "caller", json!({})).await.expect(200)["env"], env);
}

#[tokio::test]
async fn settings_are_encrypted_at_rest() {
    let world = World::isolated().await;
    let person = world.person().await;
    let owner = with_calling_plugins(&world, &person, false).await;
    update_settings(&owner, "caller", json!({ "TOKEN": "same", "GREETING": "same" })).await.expect(200);
    let cookie = person.sign_in().await.header("set-cookie").to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let headers = http::HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    let (_, stored) = world.app.store.plugins().envs(&HumanCaller::of(&headers).unwrap(), &["caller"]).await.unwrap();
    let [secret, plain] = ["TOKEN", "GREETING"].map(|key| stored[0].get(key).unwrap().as_str().to_owned());
    assert!(!secret.contains("same") && !plain.contains("same"));
    assert_ne!(secret, plain, "each setting has its own nonce");
}

#[tokio::test]
async fn only_owners_set_anything() {
    let world = World::isolated().await;
    let member = with_calling_plugins(&world, &world.member().await, false).await;
    for (plugin, env) in [("caller", json!({ "TOKEN": "x" })), ("caller", json!({ "NO": "x" })), ("other", json!({}))] {
        update_settings(&member, plugin, env).await.expect_error(403, "owner_only");
    }
    assert_eq!(member.get("/api/plugins").await.expect(200)[1]["env"][0]["isSet"], false);
}

#[tokio::test]
async fn invalid_settings_are_named() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, false).await;
    update_settings(&owner, "other", json!({})).await.expect_error(404, "not_found");
    let refused = update_settings(&owner, "caller", json!({ "A": "x", "TOKEN": "x", "b\u{0}": null })).await;
    assert_eq!(refused.expect_invalid(), ["env.A", "env.b\u{0}"]);
    let refused = update_settings(&owner, "caller", json!({ "TOKEN": 1, "GREETING": "x".repeat(4097) })).await;
    assert_eq!(refused.expect_invalid(), ["env.GREETING", "env.TOKEN"]);
    for env in [json!(null), json!([]), json!("TOKEN")] {
        assert_eq!(update_settings(&owner, "caller", env).await.expect_invalid(), ["env"]);
    }
    assert_eq!(owner.get("/api/plugins").await.expect(200)[1]["env"][0]["isSet"], false);
}

#[tokio::test]
async fn concurrent_changes_of_different_settings_both_apply() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, false).await;
    let changes = (0..8).map(|n| {
        let env = if n % 2 == 0 { json!({ "TOKEN": n.to_string() }) } else { json!({ "GREETING": n.to_string() }) };
        let owner = owner.clone();
        async move { update_settings(&owner, "caller", env).await.expect(200) }
    });
    join_all(changes).await;
    let env = owner.get("/api/plugins").await.expect(200)[1]["env"].clone();
    assert_eq!((&env[0]["isSet"], &env[1]["isSet"]), (&json!(true), &json!(true)));
}
