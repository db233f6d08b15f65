//! The routes of Placet about one plugin: its details, its settings, its icon and its page as data

use serde_json::json;
use test_support::{Person, Reply, World};

use crate::plugins::callers::{change_config, fetch, start_echo_host, update_settings, with_calling_plugins};

#[tokio::test]
async fn the_settings_of_a_plugin_have_the_shape_of_placet() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    let empty = owner.get("/api/plugins/caller/config").await.expect(200);
    assert_eq!((&empty["name"], &empty["enabled"], &empty["envValues"]), (&json!("caller"), &json!(true), &json!({})));
    assert_eq!(empty["envSchema"][0]["key"], "TOKEN");
    let values = json!({ "envValues": { "TOKEN": "s3cret", "GREETING": "hi" } });
    let changed = change_config(&owner, "caller", values).await.expect(200);
    assert_eq!(changed["envValues"], json!({ "TOKEN": "***", "GREETING": "hi" }));
    let kept = json!({ "envValues": { "TOKEN": "***", "GREETING": null }, "enabled": true });
    change_config(&owner, "caller", kept).await.expect(200);
    let details = owner.get("/api/plugins/caller").await.expect(200);
    assert_eq!((&details["env"][0]["isSet"], &details["env"][0]["value"]), (&json!(true), &json!(null)));
    assert_eq!((&details["env"][1]["isSet"], &details["enabled"]), (&json!(false), &json!(true)));
    assert_eq!(details["name"], "caller");
    let unknown = change_config(&owner, "caller", json!({ "envValues": { "OTHER": "x" }, "enabled": 1 })).await;
    unknown.expect_error(400, "validation_failed");
    for path in ["/api/plugins/other", "/api/plugins/other/config"] {
        owner.get(path).await.expect_error(404, "not_found");
    }
    change_config(&owner, "other", json!({})).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn members_see_settings_and_change_none() {
    let world = World::isolated().await;
    let member = world.member().await;
    member.get("/api/plugins/status-card/config").await.expect(200);
    change_config(&member, "status-card", json!({ "enabled": false })).await.expect_error(403, "owner_only");
}

#[tokio::test]
async fn a_plugin_that_is_switched_off_draws_nothing_and_calls_nobody() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    let off = change_config(&owner, "caller", json!({ "enabled": false })).await.expect(200);
    assert_eq!(off["enabled"], false);
    owner.get("/api/plugins/caller/render").await.expect_error(404, "not_found");
    fetch(&owner, "caller", json!({ "url": "http://127.0.0.1:1/" })).await.expect_error(404, "not_found");
    update_settings(&owner, "caller", json!({ "GREETING": "x" })).await.expect(200);
    assert_eq!(owner.get("/api/plugins/caller").await.expect(200)["enabled"], false);
    change_config(&owner, "caller", json!({ "enabled": true })).await.expect(200);
    assert_eq!(owner.get("/api/plugins/caller/render").await.status, 200);
}

#[tokio::test]
async fn a_page_as_data_comes_with_its_settings_but_secret_ones() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    update_settings(&owner, "caller", json!({ "TOKEN": "s3cret" })).await.expect(200);
    let as_json =
        owner.request(reqwest::Method::GET, "/api/plugins/caller/render").header("accept", "application/json");
    let rendered = Reply::fetch(as_json).await.expect(200);
    assert_eq!(rendered["env"], json!({ "GREETING": "hello" }));
    assert!(rendered["html"].as_str().unwrap().contains("draw(Placet.data)"));
}

#[tokio::test]
async fn icons_are_public_and_run_nothing() {
    let world = World::isolated().await;
    let visitor = Person::signed_out(&world.url, "", "");
    for name in ["form-answer", "form-submit", "http-check", "kroki-diagram", "status-card"] {
        let icon = visitor.get(&format!("/api/plugins/{name}/icon")).await;
        assert_eq!((icon.status, icon.header("content-type")), (200, "image/svg+xml"));
        assert!(icon.header("content-security-policy").contains("default-src 'none'"));
        assert!(icon.text().starts_with("<svg"));
    }
    visitor.get("/api/plugins/other/icon").await.expect_error(404, "not_found");
    let without = with_calling_plugins(&world, &world.person().await, true).await;
    without.get("/api/plugins/caller/icon").await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_plugin_sends_to_a_host_that_an_owner_has_set() {
    let world = World::isolated().await;
    let owner = with_calling_plugins(&world, &world.person().await, true).await;
    let url = format!("{}/echo", start_echo_host().await);
    let request = || json!({ "url": url, "method": "POST", "body": "{}" });
    fetch(&owner, "any-host", request()).await.expect_error(400, "validation_failed");
    update_settings(&owner, "any-host", json!({ "GREETING": url })).await.expect(200);
    assert_eq!(fetch(&owner, "any-host", request()).await.expect(200)["status"], 200);
    let secret = json!({ "TOKEN": url, "GREETING": null });
    update_settings(&owner, "any-host", secret).await.expect(200);
    fetch(&owner, "any-host", request()).await.expect_error(400, "validation_failed");
}
