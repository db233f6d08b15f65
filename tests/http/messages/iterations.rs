//! Iterations: revisions of a decided message, and their chain.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use test_support::{Agent, Person, World};

fn id_of(message: &Value) -> String {
    message["id"].as_str().expect("an id").to_owned()
}

async fn decided_review(person: &Person, agent: &Agent) -> String {
    let id = agent.request_approval().await;
    person.answer(&id, json!({ "selectedOption": "reject" })).await.expect(201);
    id
}

fn revision(of: &str) -> Value {
    json!({ "text": "again", "review": { "type": "approval" }, "iterationOf": of })
}

#[tokio::test]
async fn a_chain_is_the_same_whichever_member_is_named() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    let second = agent.send(revision(&first)).await.expect(201);
    assert_eq!((&second["iterationGroupId"], &second["iteration"]), (&json!(first), &json!(2)));
    let second = id_of(&second);
    person.answer(&second, json!({ "selectedOption": "reject" })).await.expect(201);
    let third = id_of(&agent.send(revision(&second)).await.expect(201));
    // An earlier member can be revised, too; the revision still gets the next number.
    let fourth = id_of(&agent.send(revision(&first)).await.expect(201));

    let ids = [first, second, third, fourth];
    for id in &ids {
        let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{id}")).await.expect(200);
        assert_eq!(chain["groupId"], ids[0]);
        let members = chain["iterations"].as_array().unwrap();
        assert_eq!(members.iter().map(id_of).collect::<Vec<_>>(), ids);
        for (index, member) in members.iter().enumerate() {
            assert_eq!((&member["iteration"], &member["iterationGroupId"]), (&json!(index + 1), &json!(ids[0])));
        }
        let as_person = person.get(&format!("/api/messages/{id}/iterations?channel={}", agent.channel)).await;
        assert_eq!(as_person.expect(200), chain);
    }
    let root = agent.get_in_channel(&format!("/api/v1/messages/{}", ids[0])).await.expect(200);
    assert_eq!(root["review"]["response"], json!({ "selectedOption": "reject" }));
}

#[tokio::test]
async fn a_message_without_revisions_is_its_own_chain() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let sent = agent.send(json!({ "text": "alone" })).await.expect(201);
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{}", id_of(&sent))).await.expect(200);
    assert_eq!(chain, json!({ "groupId": sent["id"], "iterations": [sent] }));
}

#[tokio::test]
async fn only_a_decided_message_of_this_channel_can_be_revised() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let (pending, plain) = (agent.request_approval().await, agent.create_message(json!({ "text": "no review" })).await);
    let elsewhere = decided_review(&person, &other).await;
    let stranger = world.person().await;
    let strangers = decided_review(&stranger, &stranger.agent().await).await;
    for of in [pending.as_str(), &plain, &elsewhere, &strangers, "msg_x", "", "\u{0}"] {
        assert_eq!(agent.send(revision(of)).await.expect_invalid(), ["iterationOf"], "{of}");
    }
    let all = json!({ "text": "x", "iterationOf": pending, "attachmentIds": ["nothing"] });
    assert_eq!(agent.send(all).await.expect_invalid(), ["attachmentIds.0", "iterationOf"]);
    assert_eq!(agent.send(json!({ "text": "x", "iterationOf": 1 })).await.expect_invalid(), ["iterationOf"]);
}

#[tokio::test]
async fn an_overdue_review_can_be_revised_before_it_is_expired() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let first = agent.request_approval().await;
    world.advance_clock(Duration::from_secs(25 * 3600));
    assert_eq!(agent.send(revision(&first)).await.expect(201)["iteration"], 2);
    let root = agent.get_in_channel(&format!("/api/v1/messages/{first}")).await.expect(200);
    assert_eq!((&root["review"]["status"], &root["iteration"]), (&json!("expired"), &json!(1)));
}

#[tokio::test]
async fn concurrent_revisions_get_distinct_numbers() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    let replies = join_all((0..12).map(|_| agent.send(revision(&first)))).await;
    let mut numbers: Vec<u64> = replies.iter().map(|it| it.expect(201)["iteration"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=13).collect::<Vec<u64>>());
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{first}")).await.expect(200);
    assert_eq!(chain["iterations"].as_array().unwrap().len(), 13);
}

#[tokio::test]
async fn a_repeated_revision_is_one_revision() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    let mut body = revision(&first);
    body["clientId"] = json!("once");
    let replies = join_all((0..8).map(|_| agent.send(body.clone()))).await;
    let created = replies[0].expect(201);
    assert!(replies.iter().all(|reply| reply.expect(201) == created));
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{first}")).await.expect(200);
    assert_eq!(chain["iterations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn members_of_a_chain_are_kept() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    let second = agent.create_message(revision(&first)).await;
    for id in [&first, &second] {
        assert_eq!(agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect_invalid(), ["id"]);
    }
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{second}")).await.expect(200);
    assert_eq!(chain["iterations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_concurrent_deletion_and_revision_leave_a_whole_chain_or_none() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..10 {
        let message = json!({ "review": { "type": "approval" }, "textAttachments": [{ "content": "the plan" }] });
        let first = agent.create_message(message).await;
        person.answer(&first, json!({ "selectedOption": "reject" })).await.expect(201);
        let path = format!("/api/v1/messages/{first}");
        let (revised, deleted) = tokio::join!(agent.send(revision(&first)), agent.delete_in_channel(&path));
        if revised.status == 201 {
            assert_eq!(deleted.expect_invalid(), ["id"]);
            let second = id_of(&revised.json());
            let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{second}")).await.expect(200);
            assert_eq!(chain["iterations"][0]["attachments"][0]["textContent"], "the plan");
            assert_eq!(chain["iterations"][1]["id"], second);
        } else {
            assert_eq!(revised.expect_invalid(), ["iterationOf"]);
            deleted.expect(200);
            agent.get_in_channel(&path).await.expect_error(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_stranger_sees_no_chain() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    agent.create_message(revision(&first)).await;
    let (path, ben) = (format!("/api/v1/messages/iterations/{first}"), world.person().await);
    let stranger = ben.agent().await;
    stranger.with_channel(&agent.channel).get_in_channel(&path).await.expect_error(403, "not_your_agent");
    stranger.get_in_channel(&path).await.expect_error(404, "not_found");
    let path = format!("/api/messages/{first}/iterations");
    ben.get(&format!("{path}?channel={}", agent.channel)).await.expect_error(403, "not_your_agent");
    ben.get(&format!("{path}?channel={}", stranger.channel)).await.expect_error(404, "not_found");
    assert_eq!(person.get(&path).await.expect_invalid(), ["channel"]);
    Person::signed_out(&world.url, "", "").get(&path).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_revision_is_a_write_of_two_calls_and_a_chain_three_reads() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = decided_review(&person, &agent).await;
    let second = agent.send(revision(&first)).await;
    assert_eq!(second.calls_and_round_trips(), (2, 2));
    let second = id_of(&second.expect(201));
    person.answer(&second, json!({ "selectedOption": "reject" })).await.expect(201);
    assert_eq!(agent.send(revision(&second)).await.calls_and_round_trips(), (2, 2));
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{second}")).await;
    assert_eq!(chain.calls_and_round_trips(), (3, 3));
    let alone = agent.request_approval().await;
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/messages/iterations/{alone}")).await.calls_and_round_trips(),
        (1, 1)
    );
}
