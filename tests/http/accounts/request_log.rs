//! `/api/logs`: what is logged, masked and kept

use std::time::Duration;

use serde_json::{Value, json};
use shared::ids::LogId;
use shared::models::request_log::{Direction, LogEntry};
use test_support::{Person, World};

/// Waits until the log has this many entries, which are written in the background; returns them.
pub async fn wait_for_log(person: &Person, entries: usize) -> Vec<Value> {
    loop {
        let page = person.get("/api/logs").await.expect(200);
        let data = page["data"].as_array().unwrap();
        if data.len() >= entries {
            return data.clone();
        }
    }
}

#[tokio::test]
async fn an_agents_call_is_logged_for_its_user() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let sent = agent.send(json!({ "text": "hello", "metadata": { "password": "p", "n": 1 } })).await;
    let entry = wait_for_log(&person, 1).await.remove(0);
    // An entry's id contains the `requestId` of an error.
    assert_eq!(entry["id"], json!(format!("log_{}", sent.header("x-request-id"))));
    let body = |name: &str| serde_json::from_str::<Value>(entry[name].as_str().unwrap()).unwrap();
    assert_eq!(
        body("requestBody"),
        json!({ "channelId": agent.channel, "text": "hello", "metadata": { "password": "***", "n": 1 } })
    );
    assert_eq!(body("responseBody")["id"], sent.expect(201)["id"]);
    assert_eq!(body("responseBody")["metadata"]["password"], "***");
    assert!(entry["durationMs"].is_u64() && entry["createdAt"].is_string());
    insta::assert_json_snapshot!(entry, {
        ".id" => "[id]", ".createdAt" => "[time]", ".durationMs" => "[ms]",
        ".requestBody" => "[body]", ".responseBody" => "[body]", ".apiKeyId" => "[key]", ".apiKeyPrefix" => "[prefix]",
    }, @r#"
    {
      "apiKeyId": "[key]",
      "apiKeyPrefix": "[prefix]",
      "createdAt": "[time]",
      "direction": "inbound",
      "durationMs": "[ms]",
      "id": "[id]",
      "method": "POST",
      "path": "/api/v1/messages",
      "requestBody": "[body]",
      "responseBody": "[body]",
      "statusCode": 201,
      "userId": null,
      "userName": null
    }
    "#);
}

#[tokio::test]
async fn an_entry_is_read_by_its_id_by_its_user_only() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let management = json!({ "channelId": agent.channel, "url": "https://manage.example", "apiKey": "MANAGE-ME" });
    agent.post("/api/v1/agents/setManagement", management).await.expect(200);
    let entry = wait_for_log(&person, 1).await.remove(0);
    let path = format!("/api/logs/{}", entry["id"].as_str().unwrap());
    assert_eq!(person.get(&path).await.expect(200), entry);
    assert!(!entry.to_string().contains("MANAGE-ME"));
    world.person().await.get(&path).await.expect_error(404, "not_found");
    person.get("/api/logs/nonsense").await.expect_error(404, "not_found");
    Person::signed_out(&world.url, "", "").get(&path).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn the_log_holds_no_secret_no_query_and_no_file() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.upload("store", "a.json", "application/json", r#"{"in":"the file"}"#).await.expect(201);
    let stored = agent.upload("store", "b.json", "application/json", r#"{"in":"the file"}"#).await.expect(201);
    agent.get(&format!("/api/v1/files/{}/download", stored["id"].as_str().unwrap())).await.expect(200);
    agent.get_in_channel("/api/v1/messages?search=needle-in-query").await.expect(200);
    agent.create_message(json!({ "text": "t", "textAttachments": [{ "content": "in the file" }] })).await;
    agent.create_message(json!({ "text": "t", "webhookUrl": "https://93.184.215.14/hook?sig=needle" })).await;
    agent.create_message(json!({ "text": "a long text ".repeat(30_000 / 12) })).await;
    let fields = json!([{ "name": "pin", "type": "password" }]);
    let review = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    person.answer(&review, json!({ "pin": "needle" })).await.expect(201);
    // A key that was sent in a path by mistake.
    agent.get_in_channel(&format!("/api/v1/messages/{}", agent.key)).await.expect_error(404, "not_found");
    let waited = agent.wait(&review, 1).await.expect(200);
    assert_eq!(waited["message"]["review"]["response"]["pin"], "needle");
    let log = wait_for_log(&person, 10).await;
    let text = Value::from(log.clone()).to_string();
    for secret in [agent.key.as_str(), "needle", "the file", "?search"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("a long text"));
    let size = |entry: &Value| entry["requestBody"].as_str().map_or(0, str::len);
    assert!(log.iter().all(|entry| size(entry) <= 2048));
    let upload = log.iter().find(|entry| entry["path"] == "/api/v1/files/store").unwrap();
    assert_eq!(upload["requestBody"], json!(null));
}

#[tokio::test]
async fn refused_calls_are_logged_and_unauthenticated_ones_are_not() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    agent.with_key("hp_unknown").get("/api/v1/agents").await.expect_error(401, "unauthorized");
    person.get("/api/agents").await.expect(200);
    agent.get("/api/v1/no-such-path").await.expect_error(404, "not_found");
    agent.send(json!({ "text": 7 })).await.expect_error(400, "validation_failed");
    agent.post("/api/v1/messages", json!({ "channelId": "x", "text": "y" })).await.expect_error(403, "not_your_agent");
    let log = wait_for_log(&person, 2).await;
    let mut statuses: Vec<_> = log.iter().map(|entry| entry["statusCode"].as_u64().unwrap()).collect();
    statuses.sort();
    assert_eq!(statuses, [400, 403]);
    assert!(log.iter().all(|entry| entry["responseBody"].as_str().unwrap().contains("statusCode")));
}

#[tokio::test]
async fn the_log_is_read_page_by_page_newest_first() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..5 {
        agent.get("/api/v1/agents").await.expect(200);
        world.advance_clock(Duration::from_millis(1));
    }
    let all = wait_for_log(&person, 5).await;
    assert!(all.is_sorted_by(|a, b| a["createdAt"].as_str() >= b["createdAt"].as_str()));
    let (mut read, mut cursor) = (vec![], String::new());
    loop {
        let page = person.get(&format!("/api/logs?limit=2&cursor={cursor}")).await.expect(200);
        read.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(read, all);
    assert_eq!(person.get("/api/logs?limit=5").await.expect(200)["nextCursor"], json!(null));
}

#[tokio::test]
async fn the_log_is_kept_for_seven_days() {
    let world = World::start().await;
    let person = world.person().await;
    person.agent().await.get("/api/v1/agents").await.expect(200);
    let id = wait_for_log(&person, 1).await[0]["id"].as_str().unwrap().to_owned();
    let day = Duration::from_secs(24 * 3600);
    world.advance_clock(6 * day);
    person.sign_in().await.expect(200);
    assert_eq!(wait_for_log(&person, 1).await.len(), 1);
    world.advance_clock(day);
    assert_eq!(person.get("/api/logs").await.expect(200), json!({ "data": [], "nextCursor": null }));
    let path = format!("/api/logs?cursor={id}");
    assert_eq!(person.get(&path).await.expect(200), json!({ "data": [], "nextCursor": null }));
}

#[tokio::test]
async fn each_user_reads_only_their_own_log() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let agent = anna.agent().await;
    agent.get("/api/v1/agents").await.expect(200);
    let id = wait_for_log(&anna, 1).await[0]["id"].as_str().unwrap().to_owned();
    for path in ["/api/logs".to_owned(), format!("/api/logs?cursor={}", id.replace("log_0", "log_7"))] {
        assert_eq!(ben.get(&path).await.expect(200)["data"], json!([]));
    }
    agent.get("/api/logs").await.expect_error(401, "unauthorized");
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.get("/api/logs?limit=0").await.expect_error(401, "unauthorized");
    assert_eq!(anna.get("/api/logs?limit=0&cursor=%00").await.expect_invalid(), ["limit", "cursor"]);
    assert_eq!(anna.get("/api/logs?limit=101").await.expect_invalid(), ["limit"]);
}

#[tokio::test]
async fn logging_adds_no_call_to_a_request() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    assert_eq!(agent.send(json!({ "text": "x" })).await.calls_and_round_trips(), (2, 2));
    wait_for_log(&person, 1).await;
    assert_eq!(person.get("/api/logs").await.calls_and_round_trips(), (2, 1));
}

#[tokio::test]
async fn a_persons_decision_is_logged_without_what_they_typed() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let fields = json!([{ "name": "pin", "type": "password" }]);
    let review = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    let second = agent.request_approval().await;
    person.answer(&review, json!({ "pin": "needle" })).await.expect(201);
    person.answer(&review, json!({ "pin": "needle" })).await.expect_error(403, "review_already_responded");
    let form = [("option", "approve")];
    person.submit_form(&format!("/reviews/{second}"), &form).await;
    let log = wait_for_log(&person, 5).await;
    let user = person.user_id().await;
    let mut decisions: Vec<_> = log.iter().filter(|entry| entry["userId"] == user.as_str()).collect();
    decisions.sort_by_key(|entry| entry["id"].as_str());
    let seen: Vec<_> = decisions.iter().map(|it| (it["path"].as_str().unwrap(), it["statusCode"].as_u64())).collect();
    let respond = format!("/api/messages/{review}/respond");
    let page = format!("/reviews/{second}");
    assert_eq!(seen, [(&*respond, Some(201)), (&*respond, Some(403)), (&*page, Some(303))]);
    for entry in &decisions {
        assert_eq!((&entry["requestBody"], &entry["responseBody"]), (&json!(null), &json!(null)));
        assert_eq!((&entry["userName"], &entry["apiKeyId"]), (&json!(null), &json!(null)));
    }
    assert!(!Value::from(log).to_string().contains("needle"));
    let shown = person.get("/logs").await.text();
    assert!(shown.contains("By you") && !shown.contains("needle"), "{shown}");
}

#[tokio::test]
async fn what_an_owner_changes_of_a_user_is_in_the_log_of_both() {
    let world = World::start().await;
    let (owner, person) = (world.person().await, world.person().await);
    let (owner_id, user) = (owner.user_id().await, person.user_id().await);
    let change = json!({ "password": "a needle in a haystack" });
    let path = format!("/api/users/{user}");
    let patch = owner.request(reqwest::Method::PATCH, &path).json(&change);
    test_support::Reply::fetch(patch).await.expect(200);
    let renewed = Person::signed_out(&world.url, &person.email, "a needle in a haystack");
    renewed.sign_in().await.expect(200);
    for (reader, name) in
        [(&renewed, owner.get("/api/auth/me").await.expect(200)["user"]["displayName"].clone()), (&owner, json!(null))]
    {
        let log = wait_for_log(reader, 1).await;
        let entry = log.iter().find(|entry| entry["path"] == path.as_str()).expect("an entry");
        assert_eq!((&entry["method"], &entry["statusCode"]), (&json!("PATCH"), &json!(200)));
        assert_eq!((&entry["userId"], &entry["userName"]), (&json!(owner_id), &name));
        assert_eq!(entry["requestBody"], r#"{"password":"***"}"#);
    }
    // The pages ask for a password of one's own first.
    let own = json!({ "currentPassword": "a needle in a haystack", "newPassword": "a password of my own" });
    renewed.post("/api/auth/change-password", own).await.expect(200);
    assert!(renewed.get("/logs").await.text().contains("By the owner"));
    // What was refused is in the log of the one who tried it only.
    let member = world.member().await;
    let refused = member.request(reqwest::Method::PATCH, &path).json(&change);
    test_support::Reply::fetch(refused).await.expect_error(403, "owner_only");
    assert_eq!(wait_for_log(&member, 1).await[0]["statusCode"], 403);
    assert_eq!(wait_for_log(&renewed, 1).await.len(), 1);
}

/// One who logs a call does not become the writer of all others.
#[tokio::test]
async fn where_entries_gather_nobody_waits_for_them() {
    let world = World::start().await;
    let person = world.person().await;
    let store = world.app.store.clone().gathering(Duration::from_secs(3600));
    let entry = || LogEntry {
        id: LogId::new(world.app.clock.now()),
        method: "POST".to_owned(),
        path: "/gathered".to_owned(),
        status_code: 200,
        duration_ms: 1,
        direction: Direction::Outbound,
        api_key_id: None,
        api_key_prefix: None,
        user_id: None,
        user_name: None,
        request_body: None,
        response_body: None,
        created_at: world.app.clock.now(),
    };
    let user = person.user_id().await.parse().unwrap();
    for _ in 0..2 {
        let recorded = store.request_log().record(user, entry());
        tokio::time::timeout(Duration::from_secs(20), recorded).await.expect("nothing is waited for");
    }
    store.write_gathered().await;
    let log = wait_for_log(&person, 2).await;
    assert_eq!(log.iter().filter(|entry| entry["path"] == "/gathered").count(), 2);
}
