//! `POST /api/v1/reviews/{id}/cancel`: what it stores, what it refuses, and what it costs.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::{Agent, Reply, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn approve() -> Value {
    json!({ "selectedOption": "approve" })
}

async fn read(agent: &Agent, id: &str) -> Value {
    agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_cancelled_review_has_its_reason_and_cannot_be_answered() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let cancelled = agent.cancel(&id, json!({ "reason": "the build failed" })).await.expect(200);
    assert_eq!(cancelled, read(&agent, &id).await);
    assert_eq!((&cancelled["supersedes"], &cancelled["supersededBy"]), (&Value::Null, &Value::Null));
    assert_eq!(cancelled["updatedAt"], cancelled["review"]["cancelledAt"]);
    insta::assert_json_snapshot!(cancelled["review"], {
        ".cancelledAt" => "[time]", ".expiresAt" => "[time]",
    }, @r#"
    {
      "action": null,
      "actionDigest": null,
      "callback": null,
      "cancelReason": "the build failed",
      "cancelledAt": "[time]",
      "completedAt": null,
      "decision": null,
      "expiresAt": "[time]",
      "feedback": null,
      "modifiedFileIds": null,
      "payload": null,
      "receipt": null,
      "respondedBy": null,
      "response": null,
      "seenAt": null,
      "status": "cancelled",
      "type": "approval"
    }
    "#);
    let late = person.answer(&id, approve()).await;
    assert_eq!(late.expect_error(403, "review_cancelled")["message"], "Review cancelled");
    assert_eq!(read(&agent, &id).await, cancelled);
}

/// What is cancelled is no longer due: the expiry run does not even look at it.
#[tokio::test]
async fn a_cancelled_review_never_expires() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    agent.cancel(&id, json!({})).await.expect(200);
    let items = world.items(keys::channel_partition(agent.channel.parse().unwrap()), keys::MESSAGES).await;
    assert!(items[0]["dueShard"].as_s().unwrap().starts_with("DECIDED#"), "{items:?}");
    world.advance_clock(2 * DAY);
    assert_eq!(expiry::handle(&world.function("expiry")).await.unwrap(), expiry::SweepReport::default());
    assert_eq!(read(&agent, &id).await["review"]["status"], "cancelled");
}

#[tokio::test]
async fn a_repeat_is_200_with_the_first_reason() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let calls = (0..20).map(|number| agent.cancel(&id, json!({ "reason": format!("reason {number}") })));
    let replies: Vec<Value> = join_all(calls).await.iter().map(|reply| reply.expect(200)).collect();
    assert!(replies.iter().all(|reply| reply == &replies[0]), "{replies:?}");
    assert_eq!(agent.cancel(&id, json!({ "reason": "later" })).await.expect(200), replies[0]);
}

#[tokio::test]
async fn the_body_and_the_channel_may_be_left_out() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let reason = async |request: reqwest::RequestBuilder| {
        Reply::fetch(request).await.expect(200)["review"]["cancelReason"].clone()
    };
    let path = |id: &str| format!("/api/v1/reviews/{id}/cancel");
    let bare = agent.request(Method::POST, &path(&agent.request_approval().await));
    assert_eq!(reason(bare).await, Value::Null);
    let empty = agent.request(Method::POST, &path(&agent.request_approval().await));
    assert_eq!(reason(empty.header("Content-Type", "application/json").body("")).await, Value::Null);
    for blank in [json!({}), json!({ "reason": null }), json!({ "reason": " \n" })] {
        assert_eq!(
            reason(agent.request(Method::POST, &path(&agent.request_approval().await)).json(&blank)).await,
            Value::Null
        );
    }
    let longest = "ß".repeat(500);
    let full = agent.request(Method::POST, &path(&agent.request_approval().await)).json(&json!({ "reason": longest }));
    assert_eq!(reason(full).await, json!(longest));
}

#[tokio::test]
async fn an_invalid_reason_is_refused_and_cancels_nothing() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    for reason in [json!("x".repeat(501)), json!(7), json!({})] {
        assert_eq!(agent.cancel(&id, json!({ "reason": reason })).await.expect_invalid(), ["reason"]);
    }
    let form = agent.request(Method::POST, &format!("/api/v1/reviews/{id}/cancel")).body("reason=x");
    Reply::fetch(form).await.expect_error(415, "unsupported_media_type");
    assert_eq!(read(&agent, &id).await["review"]["status"], "pending");
}

#[tokio::test]
async fn a_decided_review_cannot_be_cancelled() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (answered, expired, unread) =
        (agent.request_approval().await, agent.request_approval().await, agent.request_approval().await);
    person.answer(&answered, approve()).await.expect(201);
    agent.cancel(&answered, json!({})).await.expect_error(409, "already_decided");
    assert_eq!(read(&agent, &answered).await["review"]["response"], approve());
    world.advance_clock(2 * DAY);
    // One expiry is stored by a read, the other by the cancellation.
    read(&agent, &expired).await;
    for id in [&expired, &unread] {
        agent.cancel(id, json!({})).await.expect_error(409, "review_expired");
        assert_eq!(read(&agent, id).await["review"]["status"], "expired");
    }
}

#[tokio::test]
async fn what_is_no_review_of_the_caller_is_404() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, stranger) = (person.agent().await, other.agent().await);
    let (id, plain) = (agent.request_approval().await, agent.create_message(json!({ "text": "no question" })).await);
    agent.cancel(&plain, json!({})).await.expect_error(404, "not_found");
    agent.cancel("msg_nothing", json!({})).await.expect_error(404, "not_found");
    // Another person's is as unknown as none, and so is the channel that its id names.
    let path = format!("/api/v1/reviews/{id}/cancel");
    stranger.cancel(&id, json!({})).await.expect_error(404, "not_found");
    stranger.with_channel(&agent.channel).cancel(&id, json!({})).await.expect_error(403, "not_your_agent");
    stranger.post(&path, json!({})).await.expect_error(403, "not_your_agent");
    // A person's session is no API key.
    person.post(&path, json!({})).await.expect_error(401, "unauthorized");
    assert_eq!(read(&agent, &id).await["review"]["status"], "pending");
}

#[tokio::test]
async fn a_cancelled_review_can_be_revised() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let revision = json!({ "text": "again", "review": { "type": "approval" }, "iterationOf": id });
    assert_eq!(agent.send(revision.clone()).await.expect_invalid(), ["iterationOf"]);
    agent.cancel(&id, json!({})).await.expect(200);
    assert_eq!(agent.send(revision).await.expect(201)["iteration"], 2);
}

#[tokio::test]
async fn a_cancellation_is_a_read_and_a_write_and_its_repeat_a_read() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let calls = async || agent.cancel(&id, json!({ "reason": "x" })).await.calls_and_round_trips();
    assert_eq!((calls().await, calls().await), ((2, 2), (1, 1)));
}
