//! Calls without a channel: an id determines it, and lists cover all channels of the key.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

async fn decided_review(person: &Person, agent: &Agent) -> String {
    let id = agent.request_approval().await;
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    id
}

async fn delete(agent: &Agent, path: &str) -> Reply {
    Reply::fetch(agent.request(Method::DELETE, path)).await
}

/// Makes every call that takes a message's id, with this query.
async fn call_all_by_id(agent: &Agent, id: &str, query: &str) -> Vec<Reply> {
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
    let (with, without) = (decided_review(&person, &agent).await, decided_review(&person, &agent).await);
    let query = format!("?channel={}", agent.channel);
    for (with, without) in
        call_all_by_id(&agent, &with, &query).await.iter().zip(call_all_by_id(&agent, &without, "").await)
    {
        without.expect(200);
        if with.has_cost() {
            assert_eq!(with.cost(), without.cost());
        }
    }
    let deleted = delete(&agent, &format!("/api/v1/messages/{without}")).await;
    assert_eq!(deleted.expect(200), json!({ "deleted": true }));
    agent.get(&format!("/api/v1/messages/{without}")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_named_channel_must_match_the_id() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other, stranger) = (person.agent().await, person.agent().await, world.person().await.agent().await);
    let id = decided_review(&person, &agent).await;
    let another = format!("?channel={}", other.channel);
    let mut replies = call_all_by_id(&agent, &id, &another).await;
    replies.push(delete(&agent, &format!("/api/v1/messages/{id}{another}")).await);
    for reply in replies {
        reply.expect_error(404, "not_found");
    }
    for query in [format!("?channel={}", stranger.channel), "?channel=nonsense".to_owned()] {
        let mut replies = call_all_by_id(&agent, &id, &query).await;
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
    let id = decided_review(&person, &agent).await;
    // The response is the same as when the id's channel is named.
    for reply in call_all_by_id(&stranger, &id, "").await {
        reply.expect_error(403, "not_your_agent");
    }
    delete(&stranger, &format!("/api/v1/messages/{id}")).await.expect_error(403, "not_your_agent");
    let unauthenticated = agent.with_key("hp_x");
    for id in ["nonsense", "msg_", "%00", &"z".repeat(300)] {
        for reply in call_all_by_id(&agent, id, "").await {
            reply.expect_error(404, "not_found");
        }
        for reply in call_all_by_id(&unauthenticated, id, "").await {
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
    let (mut reviews, mut files) = (vec![], vec![]);
    for agent in [&first, &second, &first, &second] {
        reviews.insert(0, agent.request_approval().await);
        files.insert(0, agent.store_file().await);
    }
    stranger.request_approval().await;
    stranger.store_file().await;
    decided_review(&person, &first).await;
    let pending = first.get("/api/v1/reviews/pending").await;
    assert_eq!(ids(&pending.expect(200)), reviews);
    let listed = second.get("/api/v1/files?limit=50").await;
    assert_eq!(ids(&listed.expect(200)), files);
    let of_one = ids(&first.get_in_channel("/api/v1/reviews/pending").await.expect(200));
    assert_eq!(of_one, [reviews[1].clone(), reviews[3].clone()]);
    // The access check, the list, and the check for agents being deleted.
    for reply in [&pending, &listed] {
        if reply.has_cost() {
            assert_eq!(reply.calls_and_round_trips(), (3, 1));
        }
    }
    person.delete_fully(&format!("/api/agents/{}", second.channel)).await.expect(200);
    assert_eq!(ids(&first.get("/api/v1/reviews/pending").await.expect(200)), of_one);
    assert_eq!(ids(&first.get("/api/v1/files").await.expect(200)), [files[1].clone(), files[3].clone()]);
    for path in ["/api/v1/reviews/pending", "/api/v1/files"] {
        first.get(&format!("{path}?channel={}", stranger.channel)).await.expect_error(403, "not_your_agent");
        first.with_key("hp_x").get(path).await.expect_error(401, "unauthorized");
    }
}
