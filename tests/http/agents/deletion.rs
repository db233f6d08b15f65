//! `DELETE /api/agents/{id}`: all data of an agent is deleted, even after interruptions and late writes.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use shared::ids::{AgentId, UserId};
use shared::storage::keys::{self, Key, Prefix};
use test_support::{Agent, Person, World};

/// The remaining data of an agent: sort keys in its channel's partition and its own, and objects.
#[derive(Debug, Default, PartialEq)]
struct RemainingData {
    channel: Vec<String>,
    agent: Vec<String>,
    objects: Vec<String>,
}

async fn remaining(world: &World, agent: &Agent) -> RemainingData {
    let id: AgentId = agent.channel.parse().unwrap();
    let mut objects = vec![];
    for prefix in [Prefix::Uploads(id), Prefix::Avatars(id)] {
        let list = world.clients.s3.list_objects_v2().bucket(world.bucket()).prefix(prefix.to_string());
        let found = list.send().await.unwrap().contents.unwrap_or_default();
        objects.extend(found.into_iter().filter_map(|object| object.key));
    }
    RemainingData {
        channel: world.sort_keys(keys::channel_partition(id)).await,
        agent: world.sort_keys(keys::agent(id).pk).await,
        objects,
    }
}

/// The state after a deletion: only the deletion record remains, for late writes.
fn deletion_record_only() -> RemainingData {
    RemainingData { agent: vec![keys::REMOVAL.to_owned()], ..RemainingData::default() }
}

async fn delete_agent(person: &Person, agent: &Agent) {
    let deleted = person.delete_fully(&format!("/api/agents/{}", agent.channel)).await;
    assert_eq!(deleted.expect(200), json!({ "deleted": true }));
}

async fn user_of(person: &Person) -> UserId {
    person.user_id().await.parse().unwrap()
}

/// Waits until the counts of all requests are written, which happens in the background.
async fn wait_for_counts(person: &Person, agent: &Agent, requests: u64) {
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let stats = person.get(&format!("/api/agents/{}/stats", agent.channel)).await.expect(200);
        if stats["successRequests"] == requests {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "{stats}");
    }
}

#[tokio::test]
async fn an_agent_of_300_messages_and_its_files_is_deletion_record_only() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let kept = other.create_message(json!({ "text": "kept", "textAttachments": [{ "content": "kept" }] })).await;
    let send = |n: u32| {
        let files = if n.is_multiple_of(5) { json!([{ "content": "x" }]) } else { json!([]) };
        agent.send(json!({ "text": "x".repeat(2000), "clientId": n.to_string(), "textAttachments": files }))
    };
    let sent: Vec<_> = stream::iter((0..300).map(send)).buffer_unordered(8).collect().await;
    sent.iter().for_each(|reply| drop(reply.expect(201)));
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    agent.post("/api/v1/status/ping", json!({ "agentId": agent.channel, "status": "busy" })).await.expect(201);
    wait_for_counts(&person, &agent, 303).await;
    let before = remaining(&world, &agent).await;
    assert!(before.channel.len() > 660 && before.objects.len() == 61, "{before:?}");

    delete_agent(&person, &agent).await;
    assert_eq!(remaining(&world, &agent).await, deletion_record_only());
    person.delete(&format!("/api/agents/{}", agent.channel)).await.expect_error(404, "not_found");
    agent.get_in_channel("/api/v1/messages").await.expect_error(403, "not_your_agent");
    agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect_error(403, "not_your_agent");
    agent.get(&format!("/api/v1/files/{file}/download")).await.expect_error(404, "not_found");
    assert_eq!(person.get("/api/messages/reviews").await.expect(200), json!([]));
    assert_eq!(person.get("/api/agents").await.expect(200).as_array().unwrap().len(), 1);

    let message = other.get_in_channel(&format!("/api/v1/messages/{kept}")).await.expect(200);
    assert_eq!(message["attachments"][0]["textContent"], "kept");
}

#[tokio::test]
async fn a_deletion_hides_the_agent_at_once_and_a_repeat_finishes_it() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message = agent.create_message(json!({ "text": "x", "textAttachments": [{ "content": "x" }] })).await;
    wait_for_counts(&person, &agent, 1).await;
    // The state after a crash in the second step of a deletion.
    let id: AgentId = agent.channel.parse().unwrap();
    let mark = world.clients.dynamodb.update_item().table_name(&world.table);
    let mark = mark.set_key(Some(keys::agent(id).attributes()));
    let now = AttributeValue::S(world.app.clock.now().to_string());
    mark.update_expression("SET deletedAt = :now").expression_attribute_values(":now", now).send().await.unwrap();
    let delete = world.clients.dynamodb.delete_item().table_name(&world.table);
    let some = Key { pk: keys::channel_partition(id), sk: remaining(&world, &agent).await.channel[0].clone() };
    delete.set_key(Some(some.attributes())).send().await.unwrap();

    agent.send(json!({ "text": "late" })).await.expect_error(403, "not_your_agent");
    agent.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect_error(403, "not_your_agent");
    let ping = json!({ "agentId": agent.channel, "status": "busy" });
    agent.post("/api/v1/status/ping", ping).await.expect_error(404, "not_found");
    let webhook = json!({ "channelId": agent.channel, "url": "https://93.184.215.14/" });
    agent.post("/api/v1/agents/setWebhook", webhook).await.expect_error(404, "not_found");
    for path in ["", "/stats", "/avatar"] {
        person.get(&format!("/api/agents/{}{path}", agent.channel)).await.expect_error(404, "not_found");
    }
    assert_eq!(person.get("/api/agents").await.expect(200), json!([]));
    let stats = person.get("/api/agents/stats").await.expect(200);
    assert_eq!((&stats["totalAgents"], &stats["totalMessages"]), (&json!(0), &json!(0)));
    assert_eq!(agent.get("/api/v1/agents").await.expect(200), json!([]));

    delete_agent(&person, &agent).await;
    assert_eq!(remaining(&world, &agent).await, deletion_record_only());
}

#[tokio::test]
async fn contents_of_an_agent_being_deleted_are_not_listed_and_take_no_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let (other, deleted) = (person.agent().await, person.agent().await);
    let (kept, kept_file) = (other.request_approval().await, other.store_file().await);
    let (pending, answered, file) =
        (deleted.request_approval().await, deleted.request_approval().await, deleted.store_file().await);
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    wait_for_counts(&person, &deleted, 3).await;
    // The state after a call that ran out of time at its first step.
    let (owner, id) = (user_of(&person).await, deleted.channel.parse().unwrap());
    let interrupted = world.app.store.agents().delete(owner, id, Duration::ZERO).await;
    assert_eq!(interrupted.unwrap_err().code(), "still_removing");
    assert!(remaining(&world, &deleted).await.channel.len() > 3);

    let ids = |list: &Value| list.as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    for status in ["pending", "all"] {
        let list = person.get(&format!("/api/messages/reviews?status={status}")).await.expect(200);
        assert_eq!(ids(&list), [kept.as_str()], "{status}");
    }
    assert_eq!(person.get("/api/messages/reviews?status=completed").await.expect(200), json!([]));
    for query in ["", "?type=document"] {
        let files = person.get(&format!("/api/files{query}")).await.expect(200);
        assert_eq!((ids(&files["data"]), &files["nextCursor"]), (vec![json!(kept_file)], &Value::Null), "{query}");
    }
    let bulk = person.post("/api/files/bulk-download", json!({ "ids": [kept_file, file] })).await;
    assert_eq!(bulk.expect_invalid(), ["ids.1"]);
    person.delete(&format!("/api/files/{file}")).await.expect_error(404, "not_found");
    person.get(&format!("/api/files/{file}/download")).await.expect_error(404, "not_found");

    person.answer(&pending, json!({ "selectedOption": "approve" })).await.expect_error(404, "not_found");
    person.get(&format!("/api/messages/{answered}")).await.expect_error(404, "not_found");
    person.post(&format!("/api/messages/{answered}/retry"), json!({})).await.expect_error(404, "not_found");
    let query = format!("?channel={}", deleted.channel);
    for path in ["/api/messages", "/api/messages/reviews"] {
        person.get(&format!("{path}{query}")).await.expect_error(403, "not_your_agent");
    }
    deleted.get_in_channel("/api/v1/reviews/pending").await.expect_error(403, "not_your_agent");
    deleted.wait(&pending, 5_000).await.expect_error(403, "not_your_agent");
}

#[tokio::test]
async fn late_writes_are_removed_by_the_final_cleanup_pass() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id: AgentId = agent.channel.parse().unwrap();
    // Admitted before the deletion, written after it.
    let opened =
        world.app.store.messages().prepare_with_files(&agent.caller(), &agent.channel, None, &[]).await.unwrap();
    let shared::storage::Prepared::New(opening) = opened else { panic!("the message exists already") };
    delete_agent(&person, &agent).await;
    world.app.store.messages().create(*opening, Default::default()).await.unwrap();
    assert_eq!(remaining(&world, &agent).await.channel.len(), 1);

    world.app.store.agents().finish_deletion(id).await.unwrap();
    assert_eq!(remaining(&world, &agent).await, deletion_record_only());
    world.advance_clock(Duration::from_secs(2 * 3600));
    world.app.store.agents().finish_deletion(id).await.unwrap();
    assert_eq!(remaining(&world, &agent).await, RemainingData::default());
    world.app.store.agents().finish_deletion(id).await.unwrap();
}

#[tokio::test]
async fn concurrent_deletions_all_succeed_and_a_stranger_deletes_nothing() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    for _ in 0..5 {
        agent.store_file().await;
    }
    wait_for_counts(&person, &agent, 5).await;
    stranger.delete(&format!("/api/agents/{}", agent.channel)).await.expect_error(404, "not_found");
    assert_eq!(remaining(&world, &agent).await.objects.len(), 5);
    let path = format!("/api/agents/{}", agent.channel);
    let replies = join_all((0..4).map(|_| person.delete_fully(&path))).await;
    assert!(replies.iter().all(|reply| [200, 404].contains(&reply.status)), "{replies:?}");
    assert!(replies.iter().any(|reply| reply.status == 200));
    assert_eq!(remaining(&world, &agent).await, deletion_record_only());
}

#[tokio::test]
async fn a_deletion_that_runs_out_of_time_says_so_and_a_repeat_goes_on() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..3 {
        agent.store_file().await;
    }
    wait_for_counts(&person, &agent, 3).await;
    let (owner, id) = (user_of(&person).await, agent.channel.parse().unwrap());
    let mut calls = 1;
    loop {
        match world.app.store.agents().delete(owner, id, Duration::ZERO).await {
            Ok(()) => break,
            Err(err) => {
                assert_eq!((err.code(), err.status().as_u16(), err.retry_after()), ("still_removing", 503, Some(1)))
            }
        }
        agent.get_in_channel("/api/v1/files").await.expect_error(403, "not_your_agent");
        calls += 1;
    }
    // One call for the objects, one for the items, and one that finds nothing left.
    assert_eq!(calls, 3);
    assert_eq!(remaining(&world, &agent).await, deletion_record_only());
}

#[tokio::test]
async fn deleting_all_agents_of_a_person_deletes_no_other() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (one, two, theirs) = (person.agent().await, person.agent().await, other.agent().await);
    for agent in [&one, &two, &theirs] {
        agent.store_file().await;
    }
    wait_for_counts(&person, &one, 1).await;
    wait_for_counts(&person, &two, 1).await;
    let user = user_of(&person).await;
    for _ in 0..2 {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        world.app.store.agents().delete_all_of(user, until).await.unwrap();
        for agent in [&one, &two] {
            assert_eq!(remaining(&world, agent).await, deletion_record_only());
        }
    }
    assert_eq!(remaining(&world, &theirs).await.objects.len(), 1);
}
