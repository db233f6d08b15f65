//! Browsers that get push messages: subscribing, devices, and the preference that goes with them.

use reqwest::Method;
use serde_json::{Value, json};
use shared::aws::queue::Queue;
use shared::http::App;
use shared::storage::keys;
use test_support::{Person, Reply, World};

use super::push_service::{Browser, PushService};

async fn browsers(count: usize) -> Vec<Browser> {
    let mut service = PushService::start(count, []).await;
    for browser in &mut service.browsers {
        browser.endpoint = browser.endpoint.replace("http://127.0.0.1", "https://push.invalid");
    }
    service.browsers
}

async fn devices(person: &Person) -> Vec<Value> {
    person.get("/api/push/devices").await.expect(200).as_array().unwrap().clone()
}

async fn unsubscribe(person: &Person, endpoint: &str) -> Reply {
    let request = person.request(Method::DELETE, "/api/push/subscribe");
    Reply::fetch(request.json(&json!({ "endpoint": endpoint }))).await
}

#[tokio::test]
async fn a_browser_is_subscribed_named_renamed_and_removed_and_push_messages_are_on() {
    let world = World::start().await;
    let person = world.person().await;
    let [first, second] = &browsers(2).await[..] else { unreachable!() };
    assert_eq!(person.get("/api/preferences").await.expect(200)["notifications"]["push"]["enabled"], false);
    let firefox = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";
    let request = person.request(Method::POST, "/api/push/subscribe").header("user-agent", firefox);
    assert_eq!(Reply::fetch(request.json(&first.subscription())).await.status, 204);
    let mut named = second.subscription();
    named["name"] = json!("The office");
    assert_eq!(person.post("/api/push/subscribe", named).await.status, 204);
    assert_eq!(person.get("/api/preferences").await.expect(200)["notifications"]["push"]["enabled"], true);

    let listed = devices(&person).await;
    let names: Vec<&Value> = listed.iter().map(|device| &device["name"]).collect();
    assert_eq!(names, ["Firefox on Android", "The office"]);
    assert_eq!(listed[0]["lastUsedAt"], Value::Null);
    let path = format!("/api/push/devices/{}", listed[0]["id"].as_str().unwrap());
    let renamed = Reply::fetch(person.request(Method::PATCH, &path).json(&json!({ "name": "My phone" }))).await;
    assert_eq!(renamed.expect(200)["name"], "My phone");
    // The browser subscribes again at each visit.
    first.subscribe(&person).await;
    assert_eq!(devices(&person).await[0]["name"], "My phone");

    person.delete(&path).await.expect(200);
    person.delete(&path).await.expect_error(404, "not_found");
    assert_eq!(unsubscribe(&person, &second.endpoint).await.status, 204);
    assert_eq!(unsubscribe(&person, &second.endpoint).await.status, 204);
    assert_eq!(devices(&person).await.len(), 0);
}

#[tokio::test]
async fn the_public_key_is_the_same_for_everybody_and_follows_from_the_deployments_secret() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.member().await);
    let key = anna.get("/api/push/vapid-key").await.expect(200)["publicKey"].clone();
    assert_eq!(ben.get("/api/push/vapid-key").await.expect(200)["publicKey"], key);
    assert_eq!(key, world.app.secrets.current().unwrap().vapid_key().unwrap().public());
}

#[tokio::test]
async fn an_invalid_subscription_is_refused_with_every_problem_and_without_its_endpoint() {
    let world = World::start().await;
    let person = world.person().await;
    let valid = browsers(1).await[0].subscription();
    for endpoint in [
        "http://push.invalid/private-path",
        "https://127.0.0.1/private-path",
        "https://[::1]/private-path",
        "https://169.254.169.254/private-path",
        "https://localhost/private-path",
        "https://user:password@push.invalid/private-path",
        "ftp://push.invalid/private-path",
        "private-path",
    ] {
        let mut subscription = valid.clone();
        subscription["endpoint"] = json!(endpoint);
        let reply = person.post("/api/push/subscribe", subscription).await;
        reply.expect_error(400, "validation_failed");
        assert!(!reply.text().contains("private-path"), "{}", reply.text());
    }
    let mut point_off_the_curve = valid["keys"]["p256dh"].as_str().unwrap().to_owned();
    point_off_the_curve.replace_range(20..22, "AA");
    for p256dh in [&point_off_the_curve, "AAAA", "not base64!", ""] {
        let keys = json!({ "p256dh": p256dh, "auth": "AAAA" });
        let reply = person.post("/api/push/subscribe", json!({ "endpoint": "x", "keys": keys })).await;
        let errors = reply.expect_error(400, "validation_failed")["errors"].as_array().unwrap().len();
        assert_eq!(errors, 3, "{}", reply.text());
    }
    assert_eq!(devices(&person).await.len(), 0);
}

#[tokio::test]
async fn an_endpoint_is_that_of_the_last_person_who_subscribed_it() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.member().await);
    let browser = &browsers(1).await[0];
    browser.subscribe(&anna).await;
    browser.subscribe(&ben).await;
    assert_eq!((devices(&anna).await.len(), devices(&ben).await.len()), (0, 1));
    // Anna's browser knows the endpoint, but it is not hers any more.
    assert_eq!(unsubscribe(&anna, &browser.endpoint).await.status, 204);
    assert_eq!(devices(&ben).await.len(), 1);
}

#[tokio::test]
async fn a_person_has_at_most_twenty_devices() {
    let world = World::start().await;
    let person = world.person().await;
    let mut browser = browsers(1).await[0].clone();
    let endpoint = browser.endpoint.clone();
    for number in 0..20 {
        browser.endpoint = format!("{endpoint}&{number}");
        browser.subscribe(&person).await;
    }
    browser.subscribe(&person).await;
    browser.endpoint = format!("{endpoint}&20");
    let refused = person.post("/api/push/subscribe", browser.subscription()).await;
    assert_eq!(refused.expect_error(400, "validation_failed")["errors"][0]["code"], "too_many_devices");
}

#[tokio::test]
async fn preferences_change_member_by_member_and_null_clears_one() {
    let world = World::start().await;
    let person = world.person().await;
    let patch = |push: Value| {
        let request = person.request(Method::PATCH, "/api/preferences");
        Reply::fetch(request.json(&json!({ "notifications": { "push": push } })))
    };
    let initial = json!({ "enabled": false, "minRisk": null, "afterSeconds": null, "showContent": true });
    assert_eq!(person.get("/api/preferences").await.expect(200)["notifications"]["push"], initial);
    patch(json!({ "enabled": true, "minRisk": "medium" })).await.expect(200);
    let changed = patch(json!({ "showContent": false })).await.expect(200);
    let expected = json!({ "enabled": true, "minRisk": "medium", "afterSeconds": null, "showContent": false });
    assert_eq!(changed["notifications"]["push"], expected);
    assert_eq!(patch(json!({ "minRisk": null })).await.expect(200)["notifications"]["push"]["minRisk"], Value::Null);
    patch(json!({ "minRisk": "huge", "enabled": 1 })).await.expect_error(400, "validation_failed");
    // The theme is apart.
    let theme = Reply::fetch(person.request(Method::PATCH, "/api/preferences").json(&json!({ "theme": "dark" }))).await;
    assert_eq!(theme.expect(200)["notifications"]["push"]["enabled"], true);
}

#[tokio::test]
async fn a_deployment_that_sends_no_notifications_takes_no_subscriptions() {
    let world = World::start().await;
    let person = world.person().await;
    let notifications = Queue::unset(world.clients.sqs.clone());
    let url = world.serve_also(accounts::router(), App { notifications, ..world.function("accounts") }).await;
    let person = person.at(&url);
    person.get("/api/push/vapid-key").await.expect_error(501, "notifications_off");
    let subscribed = person.post("/api/push/subscribe", browsers(1).await[0].subscription()).await;
    subscribed.expect_error(501, "notifications_off");
    assert_eq!(devices(&person).await.len(), 0);
}

#[tokio::test]
async fn the_deletion_of_a_user_removes_what_they_were_notified_on() {
    let world = World::start().await;
    let (owner, member) = (world.person().await, world.member().await);
    let browser = &browsers(1).await[0];
    browser.subscribe(&member).await;
    let user = member.user_id().await;
    owner.delete_fully(&format!("/api/users/{user}")).await.expect(200);
    let hash = shared::secrets::SecretHash::of(&browser.endpoint);
    assert_eq!(world.sort_keys(keys::push_owner(&hash).pk).await, Vec::<String>::new());
    let left = world.sort_keys(keys::user_partition(user.parse().unwrap())).await;
    assert!(left.iter().all(|sk| sk == keys::REMOVAL), "{left:?}");
}
