//! `PATCH` and `DELETE /api/v1/agents/{id}`, `setManagement`, `setSubagent`, the same members of `setWebhook`, and the
//! routes that are answered with 501

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

const HOOK: &str = "https://93.184.215.14/hook";

async fn set(agent: &Agent, what: &str, mut body: Value) -> Reply {
    body["channelId"] = json!(agent.channel);
    agent.post(&format!("/api/v1/agents/{what}"), body).await
}

async fn patch(agent: &Agent, id: &str, body: Value) -> Reply {
    Reply::fetch(agent.request(Method::PATCH, &format!("/api/v1/agents/{id}")).json(&body)).await
}

async fn delete(agent: &Agent, id: &str) -> Reply {
    Reply::fetch(agent.request(Method::DELETE, &format!("/api/v1/agents/{id}"))).await
}

#[tokio::test]
async fn a_key_changes_and_deletes_its_own_agents_only() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, stranger) = (person.agent().await, world.person().await.agent().await);
    let changed = patch(&agent, &agent.channel, json!({ "name": "Ada", "webhookUrl": HOOK })).await.expect(200);
    assert_eq!((&changed["name"], &changed["webhookUrl"]), (&json!("Ada"), &json!(HOOK)));
    assert!(changed["webhookSecret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")));
    assert_eq!(
        patch(&agent, &agent.channel, json!({ "name": null, "tag": 1 })).await.expect_invalid(),
        ["name", "tag"]
    );
    for id in [agent.channel.as_str(), "nonsense", "agt_01KB0000000000000000000000"] {
        patch(&stranger, id, json!({ "name": "theirs" })).await.expect_error(404, "not_found");
        delete(&stranger, id).await.expect_error(404, "not_found");
    }
    assert_eq!(person.get(&format!("/api/agents/{}", agent.channel)).await.expect(200)["name"], "Ada");
    let other = person.agent().await.channel;
    assert_eq!(delete(&agent, &other).await.expect(200), json!({ "deleted": true }));
    person.get(&format!("/api/agents/{other}")).await.expect_error(404, "not_found");
    let anonymous = Agent::new(&world.url, "hp_x", "x");
    patch(&anonymous, "x", json!({ "name": 1 })).await.expect_error(401, "unauthorized");
    delete(&anonymous, "x").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn management_is_stored_encrypted_and_shown_without_its_key() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let given = json!({ "url": "http://10.0.0.7:8080/api", "apiKey": "MANAGE-ME" });
    let shown = set(&agent, "setManagement", given).await.expect(200);
    assert_eq!(
        (&shown["managementUrl"], &shown["managementApiKey"]),
        (&json!("http://10.0.0.7:8080/api"), &json!("***"))
    );
    let everything = [agent.get("/api/v1/agents").await, person.get("/api/agents").await];
    assert!(everything.iter().all(|reply| reply.text().contains("10.0.0.7") && !reply.text().contains("MANAGE-ME")));
    let items = world.items(format!("AGENT#{}", &agent.channel["agt_".len()..]), "").await;
    assert!(!items.is_empty() && !format!("{items:?}").contains("MANAGE-ME"), "the key is encrypted");
    let page = person.get(&format!("/settings/agents/{}", agent.channel)).await;
    assert!(page.text().contains("http://10.0.0.7:8080/api"));

    for (bad, named) in [
        (json!({}), vec!["url", "apiKey"]),
        (json!({ "url": null, "apiKey": "x" }), vec!["url"]),
        (json!({ "url": "https://a.example" }), vec!["apiKey"]),
        (json!({ "url": "ftp://a.example", "apiKey": "" }), vec!["url", "apiKey"]),
        (json!({ "url": "https://u:p@a.example", "apiKey": "x" }), vec!["url"]),
    ] {
        assert_eq!(set(&agent, "setManagement", bad.clone()).await.expect_invalid(), named, "{bad}");
    }
    let cleared = set(&agent, "setManagement", json!({ "url": null, "apiKey": null })).await.expect(200);
    assert_eq!((&cleared["managementUrl"], &cleared["managementApiKey"]), (&json!(null), &json!(null)));
    let stranger = world.person().await.agent().await.with_channel(&agent.channel);
    let taken = json!({ "url": "https://a.example", "apiKey": "x" });
    set(&stranger, "setManagement", taken).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_subagent_is_shown_below_its_parent() {
    let world = World::start().await;
    let person = world.person().await;
    let (child, parent, other) = (person.agent().await, person.agent().await, person.agent().await);
    let under = json!({ "isSubagent": true, "parentChannelId": parent.channel });
    let shown = set(&child, "setSubagent", under).await.expect(200);
    assert_eq!((&shown["isSubagent"], &shown["parentAgentId"]), (&json!(true), &json!(parent.channel)));
    let order = async |page: &str| {
        let page = person.get(page).await.text();
        [&parent, &child, &other].map(|agent| page.rfind(&format!("/{}\"", agent.channel)).expect("the agent is there"))
    };
    for page in ["/settings/agents", "/status", "/channels"] {
        let at = order(page).await;
        assert!(at[0] < at[1] && at[1] < at[2], "{page}: the child follows its parent");
        assert_eq!(person.get(page).await.text().matches("class=\"nested\"").count(), 1, "{page}");
    }
    let ended = set(&child, "setSubagent", json!({ "isSubagent": false })).await.expect(200);
    assert_eq!((&ended["isSubagent"], &ended["parentAgentId"]), (&json!(false), &json!(null)));
}

#[tokio::test]
async fn a_parent_is_another_agent_of_the_same_person_and_no_subagent() {
    let world = World::start().await;
    let person = world.person().await;
    let (child, parent, grandchild) = (person.agent().await, person.agent().await, person.agent().await);
    let foreign = world.person().await.agent().await.channel;
    let under = |id: &str| json!({ "isSubagent": true, "parentChannelId": id });
    set(&child, "setSubagent", under(&parent.channel)).await.expect(200);
    for id in [&foreign, "nonsense", "agt_01KB0000000000000000000000", &grandchild.channel, &child.channel] {
        assert_eq!(set(&grandchild, "setSubagent", under(id)).await.expect_invalid(), ["parentChannelId"], "{id}");
    }
    for bad in [json!({ "isSubagent": true }), json!({ "isSubagent": false, "parentChannelId": parent.channel })] {
        assert_eq!(set(&grandchild, "setSubagent", bad).await.expect_invalid(), ["parentChannelId"]);
    }
    assert_eq!(set(&grandchild, "setSubagent", json!({})).await.expect_invalid(), ["isSubagent"]);
    // A child whose parent is deleted is an agent of its own.
    delete(&parent, &parent.channel).await.expect(200);
    assert_eq!(person.get("/status").await.text().matches("class=\"nested\"").count(), 0);
}

#[tokio::test]
async fn a_webhook_brings_management_and_parent_along() {
    let world = World::start().await;
    let person = world.person().await;
    let (child, parent) = (person.agent().await, person.agent().await);
    let all = json!({ "url": HOOK, "management": { "url": "https://manage.example/", "apiKey": "k" },
        "isSubagent": true, "parentChannelId": parent.channel });
    let shown = set(&child, "setWebhook", all).await.expect(200);
    let members = ["webhookUrl", "managementUrl", "managementApiKey", "isSubagent", "parentAgentId"];
    let expected = json!([HOOK, "https://manage.example/", "***", true, parent.channel]);
    assert_eq!(json!(members.map(|name| shown[name].clone())), expected);
    let kept = set(&child, "setWebhook", json!({ "url": HOOK })).await.expect(200);
    assert_eq!(json!(members.map(|name| kept[name].clone())), expected, "what is absent stays");
    let bad = json!({ "url": HOOK, "management": { "url": "x" }, "parentChannelId": parent.channel });
    let problems = set(&child, "setWebhook", bad).await.expect_invalid();
    assert_eq!(problems, ["management.url", "management.apiKey", "parentChannelId"]);
}

#[tokio::test]
async fn the_management_proxy_and_the_oauth_relay_are_not_implemented() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for path in [&format!("/api/agents/{}/manage/sessions/1", agent.channel), "/api/manage/usage/daily"] {
        person.get(path).await.expect_error(501, "not_implemented");
        Person::signed_out(&world.url, "", "").get(path).await.expect_error(401, "unauthorized");
    }
    let relay = agent.get("/api/v1/oauth/callback?code=c&state=s").await;
    relay.expect_error(501, "not_implemented");
    assert!(relay.text().contains("does not relay OAuth codes"));
}
