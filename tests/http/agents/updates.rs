//! `GET` and `PATCH /api/agents/{id}`, `/read`, `/api/v1/agents/setTag` and `/api/v1/agents/{id}/commands`

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

async fn patch(person: &Person, id: &str, body: Value) -> Reply {
    Reply::fetch(person.request(Method::PATCH, &format!("/api/agents/{id}")).json(&body)).await
}

async fn put_commands(agent: &Agent, id: &str, body: Value) -> Reply {
    Reply::fetch(agent.request(Method::PUT, &format!("/api/v1/agents/{id}/commands")).json(&body)).await
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let all = json!({ "name": " Ada ", "description": "d", "tag": "t", "avatarUrl": "https://a.example/a.png" });
    let changed = patch(&person, &id, all).await.expect(200);
    assert_eq!((&changed["name"], &changed["description"], &changed["tag"]), (&json!("Ada"), &json!("d"), &json!("t")));
    assert_eq!(changed["avatarUrl"], "https://a.example/a.png");
    let cleared =
        patch(&person, &id, json!({ "description": null, "avatarUrl": null, "unknown": 1 })).await.expect(200);
    assert_eq!((&cleared["description"], &cleared["avatarUrl"]), (&json!(null), &json!(null)));
    assert_eq!((&cleared["name"], &cleared["tag"]), (&json!("Ada"), &json!("t")));
    assert_eq!(patch(&person, &id, json!({})).await.expect(200), cleared);
    assert_eq!(person.get(&format!("/api/agents/{id}")).await.expect(200), cleared);
}

#[tokio::test]
async fn bad_fields_of_a_patch_are_named() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let bad = json!({ "name": null, "description": 1, "avatarUrl": "x".repeat(2001), "tag": "x".repeat(65),
        "webhookUrl": "http://10.0.0.1/", "webhookHeaders": { "Host": "x" }, "webhookAuth": { "username": "a:b" } });
    assert_eq!(
        patch(&person, &id, bad).await.expect_invalid(),
        [
            "name",
            "description",
            "avatarUrl",
            "webhookUrl",
            "webhookHeaders.Host",
            "webhookAuth.password",
            "webhookAuth.username",
            "tag"
        ]
    );
    let both = json!({ "webhookUrl": null, "webhookHeaders": { "X-A": "b" } });
    assert_eq!(patch(&person, &id, both).await.expect_invalid(), ["webhookHeaders"]);
}

#[tokio::test]
async fn concurrent_patches_of_different_fields_both_apply() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let changes = [
        json!({ "name": "n" }),
        json!({ "description": "d" }),
        json!({ "tag": "t" }),
        json!({ "avatarUrl": "https://a.example" }),
    ];
    let replies = join_all(changes.iter().map(|change| patch(&person, &id, change.clone()))).await;
    replies.iter().for_each(|reply| drop(reply.expect(200)));
    let agent = person.get(&format!("/api/agents/{id}")).await.expect(200);
    assert_eq!((&agent["name"], &agent["description"]), (&json!("n"), &json!("d")));
    assert_eq!((&agent["tag"], &agent["avatarUrl"]), (&json!("t"), &json!("https://a.example")));
}

#[tokio::test]
async fn a_stranger_finds_no_agent_by_its_id() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let (mine, stranger) = (anna.agent().await, ben.agent().await);
    for id in [mine.channel.as_str(), "nonsense", "agt_01KB0000000000000000000000"] {
        let base = format!("/api/agents/{id}");
        ben.get(&base).await.expect_error(404, "not_found");
        patch(&ben, id, json!({ "name": "theirs" })).await.expect_error(404, "not_found");
        ben.delete(&base).await.expect_error(404, "not_found");
        ben.post(&format!("{base}/read"), json!({})).await.expect_error(404, "not_found");
        for part in ["stats", "avatar"] {
            ben.get(&format!("{base}/{part}")).await.expect_error(404, "not_found");
        }
        ben.delete(&format!("{base}/avatar")).await.expect_error(404, "not_found");
        put_commands(&stranger, id, json!({ "commands": [] })).await.expect_error(404, "not_found");
        let tag = json!({ "channelId": id, "tag": "x" });
        stranger.post("/api/v1/agents/setTag", tag).await.expect_error(403, "not_your_agent");
        let webhook = json!({ "channelId": id, "url": "https://93.184.215.14/" });
        for route in ["setWebhook", "deleteWebhook"] {
            let reply = stranger.post(&format!("/api/v1/agents/{route}"), webhook.clone()).await;
            reply.expect_error(404, "not_found");
        }
    }
    let agent = anna.get(&format!("/api/agents/{}", mine.channel)).await.expect(200);
    assert_eq!((&agent["name"], &agent["tag"], &agent["webhookUrl"]), (&json!("An agent"), &json!(null), &json!(null)));
}

#[tokio::test]
async fn authentication_comes_before_every_other_check() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    let unauthenticated = Agent::new(&world.url, "hp_x", "x");
    patch(&visitor, "x", json!({ "name": 1 })).await.expect_error(401, "unauthorized");
    visitor.delete("/api/agents/x").await.expect_error(401, "unauthorized");
    for path in ["x", "stats", "x/stats", "x/avatar"] {
        visitor.get(&format!("/api/agents/{path}")).await.expect_error(401, "unauthorized");
    }
    for path in ["x/read", "x/avatar"] {
        visitor.post(&format!("/api/agents/{path}"), json!({})).await.expect_error(401, "unauthorized");
    }
    visitor.delete("/api/agents/x/avatar").await.expect_error(401, "unauthorized");
    put_commands(&unauthenticated, "x", json!({})).await.expect_error(401, "unauthorized");
    for route in ["setWebhook", "deleteWebhook", "setTag"] {
        unauthenticated.post(&format!("/api/v1/agents/{route}"), json!({})).await.expect_error(401, "unauthorized");
    }
}

#[tokio::test]
async fn a_tag_is_set_and_cleared() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let set = async |body: Value| agent.post("/api/v1/agents/setTag", body).await;
    assert_eq!(set(json!({ "channelId": agent.channel, "tag": "ci\u{0}" })).await.expect(200)["tag"], "ci\u{0}");
    assert_eq!(set(json!({ "channelId": agent.channel, "tag": null })).await.expect(200)["tag"], json!(null));
    assert_eq!(set(json!({})).await.expect_invalid(), ["channelId", "tag"]);
    assert_eq!(set(json!({ "channelId": agent.channel, "tag": "x".repeat(65) })).await.expect_invalid(), ["tag"]);
}

#[tokio::test]
async fn commands_are_replaced_as_a_whole() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let commands = json!([
        { "command": "deploy", "description": "Deploys", "acceptsArgs": true, "argHint": "<branch>" },
        { "command": "stop", "description": "" },
    ]);
    let set = put_commands(&agent, &agent.channel, json!({ "commands": commands })).await.expect(200);
    assert_eq!(set["commands"], commands);
    assert_eq!(person.get("/api/agents").await.expect(200)[0], set);
    let none = put_commands(&agent, &agent.channel, json!({ "commands": [] })).await.expect(200);
    assert_eq!(none["commands"], json!([]));
}

#[tokio::test]
async fn wrong_commands_are_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let put = async |body: Value| put_commands(&agent, &agent.channel, body).await;
    let bad = json!({ "commands": [
        { "command": "a", "description": "x" },
        { "command": " a ", "description": "x".repeat(501) },
        { "command": "", "acceptsArgs": "yes" },
        7,
    ] });
    assert_eq!(
        put(bad).await.expect_invalid(),
        [
            "commands.1.description",
            "commands.2.command",
            "commands.2.description",
            "commands.2.acceptsArgs",
            "commands.3",
            "commands.1.command"
        ]
    );
    let command = |n: usize, length| json!({ "command": n.to_string(), "description": "ü".repeat(length) });
    let many = |count, length| json!({ "commands": (0..count).map(|n| command(n, length)).collect::<Vec<_>>() });
    assert_eq!(put(many(101, 1)).await.expect_invalid(), ["commands"]);
    put(many(100, 300)).await.expect_error(413, "too_large");
    put(many(100, 100)).await.expect(200);
    for body in [json!({}), json!({ "commands": null }), json!({ "commands": {} })] {
        assert_eq!(put(body).await.expect_invalid(), ["commands"]);
    }
}

#[tokio::test]
async fn the_read_mark_only_moves_forward() {
    let world = World::start().await;
    let person = world.person().await;
    let id = person.agent().await.channel;
    let read = async || {
        person.post(&format!("/api/agents/{id}/read"), json!({})).await.expect(201)["lastReadAt"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = read().await;
    world.advance_clock(Duration::from_secs(60));
    let marks = join_all((0..5).map(|_| read())).await;
    assert!(marks.iter().all(|mark| *mark > first), "{marks:?}");
    assert!(read().await >= *marks.iter().max().unwrap());
}

#[tokio::test]
async fn each_update_costs_what_it_should() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = &agent.channel;
    let assert_cost = |reply: Reply, calls, round_trips| {
        assert_eq!(reply.calls_and_round_trips(), (calls, round_trips));
    };
    assert_cost(person.get(&format!("/api/agents/{id}")).await, 1, 1);
    assert_cost(person.get(&format!("/api/agents/{id}/stats")).await, 2, 1);
    assert_cost(person.get("/api/agents/stats").await, 3, 2);
    assert_cost(patch(&person, id, json!({ "name": "x" })).await, 2, 2);
    assert_cost(person.post(&format!("/api/agents/{id}/read"), json!({})).await, 2, 2);
    assert_cost(put_commands(&agent, id, json!({ "commands": [] })).await, 2, 2);
    for (route, body) in [
        ("setTag", json!({ "channelId": id, "tag": "t" })),
        ("setWebhook", json!({ "channelId": id, "url": "https://93.184.215.14/" })),
        ("deleteWebhook", json!({ "channelId": id })),
    ] {
        assert_cost(agent.post(&format!("/api/v1/agents/{route}"), body).await, 2, 2);
    }
}

#[tokio::test]
async fn agents_that_outgrow_a_response_leave_out_the_newest() {
    const COUNT: usize = 150;
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let command = |n: usize| json!({ "command": format!("c{n}"), "description": "d".repeat(500) });
    let commands = json!({ "commands": (0..55).map(command).collect::<Vec<_>>() });
    let mut ids = vec![agent.channel.clone()];
    while ids.len() < COUNT {
        let created = agent.post("/api/v1/agents", json!({ "name": "one of many" })).await.expect(201);
        ids.push(created["id"].as_str().unwrap().to_owned());
    }
    let set = ids.iter().map(|id| put_commands(&agent, id, commands.clone()));
    let set: Vec<Reply> = stream::iter(set).buffer_unordered(8).collect().await;
    set.iter().for_each(|reply| drop(reply.expect(200)));
    for reply in [agent.get("/api/v1/agents").await, person.get("/api/agents").await] {
        assert!(reply.bytes.len() < 4_500_000, "{}", reply.bytes.len());
        let listed = reply.expect(200);
        let listed: Vec<_> = listed.as_array().unwrap().iter().map(|agent| agent["id"].as_str().unwrap()).collect();
        assert!((100..COUNT).contains(&listed.len()), "{}", listed.len());
        assert_eq!(listed, ids[..listed.len()]);
    }
}
