//! Calls that name no channel: where an id names it, and lists over all of a key's.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

async fn decided(person: &Person, agent: &Agent) -> String {
    let id = agent.request_approval().await;
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    id
}

async fn delete(agent: &Agent, path: &str) -> Reply {
    Reply::fetch(agent.request(Method::DELETE, path)).await
}

/// Every call by a message's id, with whatever query.
async fn by_id(agent: &Agent, id: &str, query: &str) -> Vec<Reply> {
    let messages = format!("/api/v1/messages/{id}");
    vec![
        agent.get(&format!("{messages}{query}")).await,
        agent.post(&format!("{messages}/ack{query}"), json!({})).await,
        agent.get(&format!("/api/v1/messages/iterations/{id}{query}")).await,
        agent.get(&format!("/api/v1/reviews/{id}{query}")).await,
        agent.get(&format!("/api/v1/reviews/{id}/wait{query}")).await,
    ]
}

#[tokio::test]
async fn an_id_names_its_channel_at_the_same_cost() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (with, without) = (decided(&person, &agent).await, decided(&person, &agent).await);
    let query = format!("?channel={}", agent.channel);
    for (with, without) in by_id(&agent, &with, &query).await.iter().zip(by_id(&agent, &without, "").await) {
        without.expect(200);
        if with.has_cost() {
            assert_eq!(with.cost(), without.cost());
        }
    }
    let removed = delete(&agent, &format!("/api/v1/messages/{without}")).await;
    assert_eq!(removed.expect(200), json!({ "deleted": true }));
    agent.get(&format!("/api/v1/messages/{without}")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_named_channel_must_match_the_id() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other, stranger) = (person.agent().await, person.agent().await, world.person().await.agent().await);
    let id = decided(&person, &agent).await;
    let another = format!("?channel={}", other.channel);
    let mut replies = by_id(&agent, &id, &another).await;
    replies.push(delete(&agent, &format!("/api/v1/messages/{id}{another}")).await);
    for reply in replies {
        reply.expect_error(404, "not_found");
    }
    for query in [format!("?channel={}", stranger.channel), "?channel=nonsense".to_owned()] {
        let mut replies = by_id(&agent, &id, &query).await;
        replies.push(delete(&agent, &format!("/api/v1/messages/{id}{query}")).await);
        for reply in replies {
            reply.expect_error(403, "not_your_agent");
        }
    }
    agent.get(&format!("/api/v1/messages/{id}")).await.expect(200);
}

#[tokio::test]
async fn without_a_channel_foreign_ids_are_not_found() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, stranger) = (person.agent().await, world.person().await.agent().await);
    let id = decided(&person, &agent).await;
    // As if the id's own channel had been named.
    for reply in by_id(&stranger, &id, "").await {
        reply.expect_error(403, "not_your_agent");
    }
    delete(&stranger, &format!("/api/v1/messages/{id}")).await.expect_error(403, "not_your_agent");
    let nobody = agent.with_key("hp_x");
    for id in ["nonsense", "msg_", "%00", &"z".repeat(300)] {
        for reply in by_id(&agent, id, "").await {
            reply.expect_error(404, "not_found");
        }
        for reply in by_id(&nobody, id, "").await {
            reply.expect_error(401, "unauthorized");
        }
    }
    agent.get("/api/v1/messages").await.expect_error(400, "validation_failed");
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_without_a_channel_cover_all_channels_newest_first() {
    let world = World::start().await;
    let person = world.person().await;
    let (first, second, stranger) = (person.agent().await, person.agent().await, world.person().await.agent().await);
    let (mut asked, mut stored) = (vec![], vec![]);
    for agent in [&first, &second, &first, &second] {
        asked.insert(0, agent.request_approval().await);
        stored.insert(0, agent.store_file().await);
    }
    stranger.request_approval().await;
    stranger.store_file().await;
    decided(&person, &first).await;
    let pending = first.get("/api/v1/reviews/pending").await;
    assert_eq!(ids(&pending.expect(200)), asked);
    let files = second.get("/api/v1/files?limit=50").await;
    assert_eq!(ids(&files.expect(200)), stored);
    let of_one = ids(&first.get_in_channel("/api/v1/reviews/pending").await.expect(200));
    assert_eq!(of_one, [asked[1].clone(), asked[3].clone()]);
    // Beside the check and the list a look for agents that are being removed.
    for reply in [&pending, &files] {
        if reply.has_cost() {
            assert_eq!((reply.cost().calls, reply.cost().round_trips), (3, 1));
        }
    }
    person.delete_fully(&format!("/api/agents/{}", second.channel)).await.expect(200);
    assert_eq!(ids(&first.get("/api/v1/reviews/pending").await.expect(200)), of_one);
    assert_eq!(ids(&first.get("/api/v1/files").await.expect(200)), [stored[1].clone(), stored[3].clone()]);
    for path in ["/api/v1/reviews/pending", "/api/v1/files"] {
        first.get(&format!("{path}?channel={}", stranger.channel)).await.expect_error(403, "not_your_agent");
        first.with_key("hp_x").get(path).await.expect_error(401, "unauthorized");
    }
}
