//! Reading and answering reviews: one answer wins, and overdue reviews expire.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::World;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn an_answer_completes_the_review_for_everyone() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let body = json!({ "response": { "selectedOption": "approve", "comment": "go" }, "feedback": "well done" });
    let answered = person.post(&format!("/api/messages/{id}/respond"), body).await.expect(201);
    let read = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200);
    assert_eq!(read, answered);
    insta::assert_json_snapshot!(read["review"], {
        ".completedAt" => "[time]", ".expiresAt" => "[time]", ".respondedBy" => "[user]",
    }, @r#"
    {
      "action": null,
      "actionDigest": null,
      "callback": null,
      "cancelReason": null,
      "cancelledAt": null,
      "completedAt": "[time]",
      "decision": null,
      "expiresAt": "[time]",
      "feedback": "well done",
      "modifiedFileIds": null,
      "payload": null,
      "receipt": null,
      "respondedBy": "[user]",
      "response": {
        "comment": "go",
        "selectedOption": "approve"
      },
      "seenAt": null,
      "status": "completed",
      "type": "approval"
    }
    "#);
}

#[tokio::test]
async fn of_thirty_concurrent_answers_one_succeeds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "text": "?", "review": { "type": "freeform" } })).await;
    let replies = join_all((0..30).map(|number| person.answer(&id, json!({ "number": number })))).await;
    let winners: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(winners.len(), 1);
    for loser in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(loser.expect_error(403, "review_already_responded")["message"], "Review already responded");
    }
    let stored = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200);
    assert_eq!(stored, winners[0].json());
}

#[tokio::test]
async fn an_overdue_review_is_expired_when_it_is_read() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = json!({ "text": "?", "review": { "type": "approval", "expiresInSeconds": 3600 } });
    let (read, listed, answered) = (
        agent.create_message(review.clone()).await,
        agent.create_message(review.clone()).await,
        agent.create_message(review).await,
    );
    world.advance_clock(HOUR);
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/reviews/{read}")).await.expect(200)["review"]["status"],
        "expired"
    );
    assert_eq!(agent.get_in_channel("/api/v1/reviews/pending").await.expect(200), json!([]));
    assert_eq!(person.get("/api/messages/reviews").await.expect(200), json!([]));
    let expired = person.get("/api/messages/reviews?status=expired").await.expect(200);
    assert_eq!(expired.as_array().unwrap().len(), 3);
    assert!(expired.as_array().unwrap().iter().all(|it| it["review"]["status"] == "expired"));
    let late = person.answer(&answered, json!({ "selectedOption": "approve" })).await;
    assert_eq!(late.expect_error(403, "review_expired")["message"], "Review expired");
    assert_eq!(agent.wait(&listed, 10_000).await.expect(200)["status"], "expired");
    let page = agent.get_in_channel("/api/v1/messages").await.expect(200);
    assert!(page["data"].as_array().unwrap().iter().all(|it| it["review"]["status"] == "expired"));
}

#[tokio::test]
async fn a_timely_answer_stands_after_the_expiry_time() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id =
        agent.create_message(json!({ "text": "?", "review": { "type": "approval", "expiresInSeconds": 3600 } })).await;
    world.advance_clock(HOUR - Duration::from_secs(60));
    person.answer(&id, json!({ "selectedOption": "reject" })).await.expect(201);
    world.advance_clock(HOUR);
    let review = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"].clone();
    assert_eq!((&review["status"], &review["response"]), (&json!("completed"), &json!({ "selectedOption": "reject" })));
}

#[tokio::test]
async fn a_concurrent_answer_and_expiry_have_one_outcome() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for _ in 0..10 {
        let id = agent
            .create_message(json!({ "text": "?", "review": { "type": "approval", "expiresInSeconds": 60 } }))
            .await;
        let path = format!("/api/v1/reviews/{id}");
        let (answered, read, ()) = tokio::join!(
            person.answer(&id, json!({ "selectedOption": "approve" })),
            agent.get_in_channel(&path),
            async { world.advance_clock(Duration::from_secs(60)) },
        );
        let stored = agent.get_in_channel(&path).await.expect(200)["review"]["status"].clone();
        assert_eq!(stored == "completed", answered.status == 201, "{stored} after {}", answered.text());
        let seen = read.expect(200)["review"]["status"].clone();
        assert!(seen == "pending" || seen == stored, "read {seen}, then {stored}");
    }
}

#[tokio::test]
async fn expiry_defaults_to_24_hours_and_is_capped_at_36() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let hours = async |review: Value| {
        let body = agent.send(json!({ "review": review })).await.expect(201);
        let time = |text: &Value| shared::clock::Timestamp::parse(text.as_str().unwrap()).unwrap();
        time(&body["createdAt"]).until(time(&body["review"]["expiresAt"])).as_secs() / 3600
    };
    assert_eq!(hours(json!({ "type": "approval" })).await, 24);
    assert_eq!(hours(json!({ "type": "approval", "expiresInSeconds": 7200 })).await, 2);
    assert_eq!(hours(json!({ "type": "approval", "expiresInSeconds": 1e17 })).await, 36);
    assert_eq!(hours(json!({ "type": "approval", "expiresAt": "2100-01-01T00:00:00+02:00" })).await, 36);
    for (review, field) in [
        (json!({ "type": "approval", "expiresAt": "2020-01-01T00:00:00Z" }), "review.expiresAt"),
        (json!({ "type": "approval", "expiresAt": "soon" }), "review.expiresAt"),
        (json!({ "type": "approval", "expiresInSeconds": -1 }), "review.expiresInSeconds"),
        (json!({ "type": "approval", "expiresInSeconds": 1.5 }), "review.expiresInSeconds"),
        (json!({ "type": "approval", "expiresInSeconds": 9, "expiresAt": "2100-01-01T00:00:00Z" }), "review.expiresAt"),
    ] {
        assert_eq!(agent.send(json!({ "review": review })).await.expect_invalid(), [field]);
    }
}

#[tokio::test]
async fn pending_lists_this_channels_reviews_newest_first() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let (first, second, done) =
        (agent.request_approval().await, agent.request_approval().await, agent.request_approval().await);
    let elsewhere = other.request_approval().await;
    agent.create_message(json!({ "text": "no question" })).await;
    person.answer(&done, json!({ "selectedOption": "approve" })).await.expect(201);
    let ids = |list: Value| {
        list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(agent.get_in_channel("/api/v1/reviews/pending").await.expect(200)), [second.clone(), first.clone()]);
    assert_eq!(
        ids(person.get("/api/messages/reviews").await.expect(200)),
        [elsewhere.clone(), second.clone(), first.clone()]
    );
    let in_channel = format!("/api/messages/reviews?status=all&channel={}", agent.channel);
    assert_eq!(ids(person.get(&in_channel).await.expect(200)), [done.clone(), second, first]);
    assert_eq!(ids(person.get("/api/messages/reviews?status=completed").await.expect(200)), [done]);
    let none_in_channel = format!("/api/messages/reviews?status=completed&channel={}", other.channel);
    assert_eq!(person.get(&none_in_channel).await.expect(200), json!([]));
    assert_eq!(person.get("/api/messages/reviews?status=open").await.expect_invalid(), ["status"]);
}

#[tokio::test]
async fn a_message_without_a_review_has_none_to_read_wait_for_or_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "text": "just so" })).await;
    agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect_error(404, "not_found");
    agent.wait(&id, 5_000).await.expect_error(404, "not_found");
    person.answer(&id, json!({})).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn files_named_in_an_answer_must_be_of_the_channel() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let (id, mine, theirs) = (agent.request_approval().await, agent.store_file().await, other.store_file().await);
    let answer = |files: Value| {
        let body = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": files });
        let (person, path) = (person.clone(), format!("/api/messages/{id}/respond"));
        async move { person.post(&path, body).await }
    };
    let refused = answer(json!([mine, theirs, "nonsense"])).await.expect_invalid();
    assert_eq!(refused, ["modifiedFileIds.1", "modifiedFileIds.2"]);
    assert_eq!(answer(json!([mine])).await.expect(201)["review"]["modifiedFileIds"], json!([mine]));
    // The answer refers to the file, so it is not deleted as unclaimed.
    let key = keys::file(mine.parse().unwrap()).attributes();
    let item = world.clients.dynamodb.get_item().table_name(&world.table).set_key(Some(key)).consistent_read(true);
    let item = item.send().await.unwrap().item.unwrap();
    assert!(!item.contains_key("dueSort") && !item.contains_key("messageId"), "{item:?}");
    let changed = json!({ "text": "again", "iterationOf": id, "attachmentIds": [mine] });
    agent.send(changed).await.expect(201);
}

#[tokio::test]
async fn an_invalid_answer_is_refused_and_nothing_is_stored() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let path = format!("/api/messages/{id}/respond");
    assert_eq!(person.post(&path, json!({})).await.expect_invalid(), ["response"]);
    assert_eq!(
        person.post(&path, json!({ "response": "yes", "feedback": 1 })).await.expect_invalid(),
        ["response", "feedback"]
    );
    assert_eq!(
        person.answer(&id, json!({ "selectedOption": "maybe" })).await.expect_invalid(),
        ["response.selectedOption"]
    );
    assert_eq!(agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"]["status"], "pending");
}
