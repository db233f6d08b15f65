//! Streams: messages that grow, and their status events.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

pub async fn update(agent: &Agent, stream: &str, mut body: Value) -> Reply {
    body["channelId"] = json!(agent.channel);
    Reply::fetch(agent.request(Method::PATCH, &format!("/api/v1/messages/streams/{stream}")).json(&body)).await
}

pub async fn status(agent: &Agent, stream: &str, mut body: Value) -> Reply {
    body["channelId"] = json!(agent.channel);
    agent.post(&format!("/api/v1/messages/streams/{stream}/status"), body).await
}

pub fn stream_message(stream: &str, text: &str) -> Value {
    json!({ "text": text, "streamId": stream, "streamState": "streaming" })
}

#[tokio::test]
async fn a_stream_grows_and_ends() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let begun = agent.send(stream_message("s", "")).await.expect(201);
    assert_eq!(
        (&begun["streamId"], &begun["streamState"], &begun["text"]),
        (&json!("s"), &json!("streaming"), &json!(""))
    );
    let grown = update(&agent, "s", json!({ "text": "Hello" })).await.expect(200);
    assert_eq!(
        (&grown["id"], &grown["text"], &grown["streamState"]),
        (&begun["id"], &json!("Hello"), &json!("streaming"))
    );
    let again = agent.send(stream_message("s", "Hello wor")).await.expect(201);
    assert_eq!((&again["id"], &again["text"]), (&begun["id"], &json!("Hello wor")));
    let ended = update(&agent, "s", json!({ "text": "Hello world", "complete": true })).await.expect(200);
    assert_eq!((&ended["text"], &ended["streamState"]), (&json!("Hello world"), &json!("complete")));
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([ended]));
}

#[tokio::test]
async fn the_first_call_of_a_stream_fixes_its_review_and_attachments() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.store_file().await;
    let mut whole = stream_message("s", "a");
    whole["review"] = json!({ "type": "approval", "payload": { "allowComment": true } });
    whole["attachmentIds"] = json!([file]);
    whole["textAttachments"] = json!([{ "content": "x", "filename": "x.txt" }]);
    whole["webhookUrl"] = json!("https://93.184.215.14/hook");
    let begun = agent.send(whole.clone()).await.expect(201);
    whole["text"] = json!("ab");
    whole["metadata"] = json!({ "part": 2 });
    whole["status"] = json!("warning");
    let again = agent.send(whole.clone()).await.expect(201);
    assert_eq!((&again["id"], &again["text"], &again["review"]), (&begun["id"], &json!("ab"), &begun["review"]));
    assert_eq!((&again["metadata"], &again["status"]), (&json!({ "part": 2 }), &json!("warning")));
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200).as_array().unwrap().len(), 2);
    // Fields that a call omits are kept.
    assert_eq!(agent.send(stream_message("s", "ab")).await.expect(201)["review"], begun["review"]);

    whole["review"] = json!({ "type": "approval" });
    whole["attachmentIds"] = json!([agent.store_file().await]);
    whole["textAttachments"] = json!([{ "content": "y", "filename": "x.txt" }]);
    whole["iterationOf"] = begun["id"].clone();
    whole["webhookUrl"] = json!("https://93.184.215.14/another");
    whole["text"] = json!("abc");
    for client_id in [Value::Null, json!("c")] {
        whole["clientId"] = client_id;
        let errors = agent.send(whole.clone()).await.expect_invalid();
        assert_eq!(errors, ["attachmentIds", "iterationOf", "review", "textAttachments", "webhookUrl"]);
    }
    let path = format!("/api/v1/messages/{}", begun["id"].as_str().unwrap());
    assert_eq!(agent.get_in_channel(&path).await.expect(200)["text"], "ab");
}

#[tokio::test]
async fn an_equal_call_is_fine_when_its_review_has_expired_meanwhile() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let expires_at = world.app.clock.now().plus(Duration::from_secs(3600));
    let mut asking = stream_message("s", "a");
    asking["review"] = json!({ "type": "approval", "expiresAt": expires_at.to_string() });
    let begun = agent.send(asking.clone()).await.expect(201);
    world.advance_clock(Duration::from_secs(3600));
    let again = agent.send(asking).await.expect(201);
    assert_eq!((&again["id"], &again["review"]["status"]), (&begun["id"], &json!("expired")));
}

#[tokio::test]
async fn a_stream_update_is_idempotent() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let numbered = |text: &str, state: &str, client_id: &str| json!({ "text": text, "streamId": "s", "streamState": state, "clientId": client_id });
    let begun = agent.send(numbered("a", "streaming", "1")).await.expect(201);
    let grown = agent.send(numbered("ab", "streaming", "2")).await.expect(201);
    assert_eq!((&grown["id"], &grown["text"], &grown["clientId"]), (&begun["id"], &json!("ab"), &json!("1")));
    let longest = update(&agent, "s", json!({ "text": "abc" })).await.expect(200);
    // A late repeat changes nothing.
    for (text, client_id) in [("a", "1"), ("ab", "2")] {
        assert_eq!(agent.send(numbered(text, "streaming", client_id)).await.expect(201), longest);
        let other = agent.send(numbered("x", "streaming", client_id)).await;
        other.expect_error(409, "idempotency_conflict");
    }
    let equal = join_all((0..10).map(|_| agent.send(numbered("abcd", "streaming", "3")))).await;
    for reply in equal {
        assert_eq!((&reply.expect(201)["id"], &reply.json()["text"]), (&begun["id"], &json!("abcd")));
    }

    let ended = agent.send(numbered("abcde", "complete", "4")).await.expect(201);
    assert_eq!(agent.send(numbered("abcde", "complete", "5")).await.expect(201), ended);
    agent.send(numbered("more", "complete", "6")).await.expect_error(409, "stream_ended");
    agent.send(json!({ "text": "another", "clientId": "5" })).await.expect_error(409, "idempotency_conflict");
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([ended]));

    // Deleting the message also deletes its idempotency records.
    let path = format!("/api/v1/messages/{}", begun["id"].as_str().unwrap());
    agent.delete_in_channel(&path).await.expect(200);
    let recreated = agent.send(numbered("ab", "streaming", "2")).await.expect(201);
    assert_ne!(recreated["id"], begun["id"]);
    assert_eq!(agent.send(numbered("ab", "streaming", "2")).await.expect(201), recreated);
    let other = agent.send(numbered("other", "streaming", "3")).await.expect(201);
    assert_eq!((&other["id"], &other["text"]), (&recreated["id"], &json!("other")));
}

#[tokio::test]
async fn an_ended_stream_takes_only_repeats() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let begun = agent.send(stream_message("s", "a")).await.expect(201);
    let ended = update(&agent, "s", json!({ "streamState": "aborted" })).await.expect(200);
    assert_eq!((&ended["streamState"], &ended["text"]), (&json!("aborted"), &json!("a")));
    assert_eq!(update(&agent, "s", json!({ "streamState": "aborted", "text": "a" })).await.expect(200), ended);
    update(&agent, "s", json!({ "text": "b" })).await.expect_error(409, "stream_ended");
    update(&agent, "s", json!({ "complete": true })).await.expect_error(409, "stream_ended");
    update(&agent, "s", json!({ "streamState": "aborted", "text": "b" })).await.expect_error(409, "stream_ended");
    agent.send(stream_message("s", "b")).await.expect_error(409, "stream_ended");
    for mut other in [json!({ "status": "error" }), json!({ "metadata": { "a": 1 } })] {
        (other["text"], other["streamId"], other["streamState"]) = (json!("a"), json!("s"), json!("aborted"));
        agent.send(other).await.expect_error(409, "stream_ended");
    }
    status(&agent, "s", json!({ "text": "late" })).await.expect_error(409, "stream_ended");
    let path = format!("/api/v1/messages/{}", begun["id"].as_str().unwrap());
    assert_eq!(agent.get_in_channel(&path).await.expect(200), ended);
}

#[tokio::test]
async fn a_stream_without_a_state_is_complete() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let whole = json!({ "text": "all of it", "streamId": "s" });
    let sent = agent.send(whole.clone()).await.expect(201);
    assert_eq!(sent["streamState"], "complete");
    assert_eq!(agent.send(whole).await.expect(201), sent);
    agent.send(json!({ "text": "more", "streamId": "s" })).await.expect_error(409, "stream_ended");
    agent.send(stream_message("t", "begun")).await.expect(201);
    assert_eq!(agent.send(json!({ "text": "done", "streamId": "t" })).await.expect(201)["streamState"], "complete");
}

#[tokio::test]
async fn equal_concurrent_streams_are_one_message() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.store_file().await;
    let mut body = stream_message("s", "once");
    body["attachmentIds"] = json!([file]);
    body["textAttachments"] = json!([{ "content": "x" }]);
    let replies = join_all((0..12).map(|_| agent.send(body.clone()))).await;
    let id = replies[0].expect(201)["id"].clone();
    for reply in &replies {
        assert_eq!(reply.expect(201)["id"], id);
    }
    let listed = agent.get_in_channel("/api/v1/messages").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed["data"][0]["attachments"].as_array().unwrap().len(), 2);
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_full_stream_keeps_room_for_its_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut body = stream_message("s", "");
    body["metadata"] = json!({ "a": "b".repeat(60 * 1024) });
    body["review"] = json!({ "type": "freeform", "payload": { "a": "b".repeat(60 * 1024) } });
    let id = agent.create_message(body).await;
    for _ in 0..20 {
        status(&agent, "s", json!({ "text": "a".repeat(2000) })).await.expect(201);
    }
    person.answer(&id, json!({ "a": "b".repeat(15 * 1024) })).await.expect(201);
    update(&agent, "s", json!({ "text": "a".repeat(200 * 1024), "complete": true })).await.expect(200);
    update(&agent, "s", json!({ "text": "a".repeat(200 * 1024 + 1) })).await.expect_error(413, "too_large");
}

#[tokio::test]
async fn a_deleted_streams_id_can_be_used_again() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    status(&agent, "s", json!({ "text": "early" })).await.expect(201);
    let first = agent.create_message(stream_message("s", "a")).await;
    agent.delete_in_channel(&format!("/api/v1/messages/{first}")).await.expect(200);
    update(&agent, "s", json!({ "text": "b" })).await.expect_error(404, "not_found");
    let second = agent.send(stream_message("s", "b")).await.expect(201);
    assert_ne!(second["id"], first);
    assert_eq!(second["statusEvents"], json!([]));
}

#[tokio::test]
async fn a_stream_id_may_be_any_text() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let long = "é".repeat(256);
    for (name, path) in [("a/b?#%", "a%2Fb%3F%23%25"), ("\u{0} x", "%00%20x"), (&long, &long), ("../..", "..%2F..")] {
        let event = status(&agent, path, json!({ "text": "x" })).await.expect(201);
        assert_eq!(event["streamId"], name);
        let sent = agent.send(stream_message(name, "a")).await.expect(201);
        assert_eq!(update(&agent, path, json!({ "text": "b" })).await.expect(200)["id"], sent["id"]);
        update(&other, path, json!({ "text": "b" })).await.expect_error(404, "not_found");
        assert_ne!(other.send(stream_message(name, "a")).await.expect(201)["id"], sent["id"]);
    }
    let longer = format!("{long}é");
    update(&agent, &longer, json!({})).await.expect_error(404, "not_found");
    assert_eq!(status(&agent, &longer, json!({ "text": "x" })).await.expect_invalid(), ["streamId"]);
    assert_eq!(agent.send(stream_message(&longer, "x")).await.expect_invalid(), ["streamId"]);
    update(&agent, "never-begun", json!({})).await.expect_error(404, "not_found");
    status(&agent, "only-status", json!({ "text": "x" })).await.expect(201);
    update(&agent, "only-status", json!({})).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn bad_input_is_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let reply = agent.send(json!({ "text": "a", "streamState": "done" })).await;
    assert_eq!(reply.expect_invalid(), ["streamState", "streamId"]);
    assert_eq!(agent.send(json!({ "streamId": "s", "streamState": "streaming" })).await.expect_invalid(), ["text"]);
    let reply = update(&agent, "s", json!({ "text": 1, "complete": "yes", "streamState": "paused" })).await;
    assert_eq!(reply.expect_invalid(), ["text", "complete", "streamState"]);
    let reply = update(&agent, "s", json!({ "complete": true, "streamState": "aborted" })).await;
    assert_eq!(reply.expect_invalid(), ["streamState"]);
}

#[tokio::test]
async fn a_stranger_can_use_no_stream() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let sent = agent.send(stream_message("s", "mine")).await.expect(201);
    let stranger = world.person().await.agent().await;
    let intruder = stranger.with_channel(&agent.channel);
    update(&intruder, "s", json!({ "text": "x" })).await.expect_error(403, "not_your_agent");
    status(&intruder, "s", json!({ "text": "x" })).await.expect_error(403, "not_your_agent");
    intruder.send(stream_message("s", "x")).await.expect_error(403, "not_your_agent");
    update(&stranger, "s", json!({ "text": "x" })).await.expect_error(404, "not_found");
    for path in ["/api/v1/messages/streams/s", "/api/v1/messages/streams/s/status"] {
        let method = if path.ends_with("status") { Method::POST } else { Method::PATCH };
        Reply::fetch(Person::signed_out(&world.url, "", "").request(method, path))
            .await
            .expect_error(401, "unauthorized");
    }
    let path = format!("/api/v1/messages/{}", sent["id"].as_str().unwrap());
    assert_eq!(agent.get_in_channel(&path).await.expect(200), sent);
}

#[tokio::test]
async fn streams_are_writes_of_two_calls() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    assert_eq!(status(&agent, "s", json!({ "text": "x" })).await.calls_and_round_trips(), (2, 2));
    assert_eq!(agent.send(stream_message("s", "x")).await.calls_and_round_trips(), (2, 2));
    assert_eq!(agent.send(stream_message("s", "xy")).await.calls_and_round_trips(), (2, 2));
    assert_eq!(status(&agent, "s", json!({ "text": "x" })).await.calls_and_round_trips(), (2, 2));
    assert_eq!(update(&agent, "s", json!({ "text": "xyz", "complete": true })).await.calls_and_round_trips(), (2, 2));
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.calls_and_round_trips(), (2, 1));
}
