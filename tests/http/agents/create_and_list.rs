//! `/api/v1/agents`, `/api/v1/status/ping` and `/api/agents`: creating, listing and pings

use std::time::Duration;

use serde_json::json;
use test_support::World;

#[tokio::test]
async fn a_new_agent_is_offline_and_in_the_lists_of_its_owner() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let created = agent
        .post(
            "/api/v1/agents",
            json!({ "name": " Deployer ", "description": "d", "tag": "t",
        "webhookUrl": "https://hooks.example/x", "avatarUrl": "https://a.example/a.png" }),
        )
        .await
        .expect(201);
    insta::assert_json_snapshot!(created, {
        ".id" => "[id]", ".createdAt" => "[time]", ".webhookSecret" => "[secret]",
    }, @r#"
    {
      "avatarUrl": "https://a.example/a.png",
      "commands": null,
      "createdAt": "[time]",
      "description": "d",
      "id": "[id]",
      "isSubagent": false,
      "lastActiveAt": null,
      "managementApiKey": null,
      "managementUrl": null,
      "name": "Deployer",
      "parentAgentId": null,
      "status": "offline",
      "statusMessage": null,
      "statusSince": null,
      "tag": "t",
      "webhookAuth": null,
      "webhookHeaders": null,
      "webhookSecret": "[secret]",
      "webhookUrl": "https://hooks.example/x"
    }
    "#);
    for list in [agent.get("/api/v1/agents").await, person.get("/api/agents").await] {
        let list = list.expect(200);
        assert_eq!((list.as_array().unwrap().len(), &list[1]["id"]), (2, &created["id"]));
        assert_eq!(list[1].get("webhookSecret"), None);
    }
    agent.with_channel(created["id"].as_str().unwrap()).send(json!({ "text": "hello" })).await.expect(201);
}

#[tokio::test]
async fn an_agent_needs_a_name_and_a_public_webhook() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let bad = json!({ "name": "  ", "webhookUrl": "http://169.254.169.254/latest", "tag": 5 });
    for reply in [agent.post("/api/v1/agents", bad.clone()).await, person.post("/api/agents", bad).await] {
        assert_eq!(reply.expect_invalid(), ["name", "webhookUrl", "tag"]);
    }
    assert_eq!(person.post("/api/agents", json!({})).await.expect_invalid(), ["name"]);
}

#[tokio::test]
async fn a_ping_moves_status_since_only_when_the_status_changes() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let ping = async |status: &str, message: Option<&str>| {
        world.advance_clock(Duration::from_secs(60));
        let body = json!({ "agentId": agent.channel, "status": status, "message": message });
        agent.post("/api/v1/status/ping", body).await.expect(201)
    };
    let first = ping("busy", Some("deploying")).await;
    assert_eq!((&first["status"], &first["statusMessage"]), (&json!("busy"), &json!("deploying")));
    assert_eq!(first["statusSince"], first["lastActiveAt"]);
    let second = ping("busy", None).await;
    assert_eq!((&second["statusSince"], &second["statusMessage"]), (&first["statusSince"], &json!(null)));
    assert_ne!(second["lastActiveAt"], first["lastActiveAt"]);
    let third = ping("active", None).await;
    assert_eq!(third["statusSince"], third["lastActiveAt"]);
    assert_eq!(agent.get("/api/v1/agents").await.expect(200)[0], third);
}

#[tokio::test]
async fn a_ping_for_no_agent_of_mine_is_404() {
    let world = World::start().await;
    let (agent, stranger) = (world.person().await.agent().await, world.person().await.agent().await);
    for id in [stranger.channel.as_str(), "nonsense"] {
        let body = json!({ "agentId": id, "status": "active" });
        agent.post("/api/v1/status/ping", body).await.expect_error(404, "not_found");
    }
    let bad = json!({ "status": "asleep", "message": "x".repeat(501) });
    assert_eq!(agent.post("/api/v1/status/ping", bad).await.expect_invalid(), ["agentId", "status", "message"]);
}
