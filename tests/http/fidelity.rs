//! What agents and people send comes back exactly as it was sent.

use placet_tests::{Agent, Reply, World};
use reqwest::Method;
use serde_json::json;

/// JSON that a round trip through floats, maps or C strings would change.
const ODD: &str = r#"{"big":123456789012345678901234567890,"small":-9007199254740993,"price":1.10,"e":1E+2,"zero":-0.0,"":"empty name","nul\u0000":"a\u0000b","deep":{"b":[1.0,{"":null}],"a":[]},"text":"\ud83e\udd80 é \u00e9"}"#;

async fn send(agent: &Agent, body: String) -> Reply {
    let request = agent.request(Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
    Reply::of(request.body(body)).await
}

#[tokio::test]
async fn metadata_and_payloads_are_given_back_letter_by_letter() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let channel = &agent.channel;
    let body = format!(
        r#"{{"channelId":"{channel}","text":"x","metadata":{ODD},"review":{{"type":"freeform","payload":{ODD}}}}}"#
    );
    let sent = send(&agent, body).await;
    let id = sent.expect(201)["id"].as_str().unwrap().to_owned();
    let response = format!(r#"{{"response":{ODD}}}"#);
    let request = person.request(Method::POST, &format!("/api/messages/{id}/respond"));
    let answered = Reply::of(request.header("Content-Type", "application/json").body(response)).await;
    answered.expect(201);
    let got = agent.get_here(&format!("/api/v1/messages/{id}")).await;
    let listed = agent.get_here("/api/v1/messages").await;
    for (reply, times) in [(sent, 2), (answered, 3), (got, 3), (listed, 3)] {
        assert_eq!(reply.text().matches(ODD).count(), times, "{}", reply.text());
    }
}

#[tokio::test]
async fn a_draft_keeps_its_metadata_as_it_came_last() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let channel = &agent.channel;
    agent
        .send(json!({ "text": "x", "metadata": { "a": 1 }, "streamId": "s", "streamState": "streaming" }))
        .await
        .expect(201);
    let body = format!(
        r#"{{"channelId":"{channel}","text":"a\u0000b","streamId":"s","streamState":"streaming","metadata":{ODD}}}"#
    );
    let updated = send(&agent, body).await;
    assert_eq!(updated.expect(201)["text"], "a\u{0}b");
    assert!(updated.text().contains(ODD));
}

#[tokio::test]
async fn lone_surrogates_and_numbers_beyond_floats_are_refused() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let channel = &agent.channel;
    for metadata in [r#"{"a":"\ud83e"}"#, r#"{"\udd80":1}"#, r#"{"a":1e999}"#, r#"{"a":NaN}"#, r#"{"a":01}"#] {
        let body = format!(r#"{{"channelId":"{channel}","text":"x","metadata":{metadata}}}"#);
        send(&agent, body).await.expect_error(400, "malformed_json");
    }
    assert_eq!(agent.get_here("/api/v1/messages").await.expect(200)["data"], json!([]));
}
