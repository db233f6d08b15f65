//! JSON of agents and people is returned exactly as it was sent.

use reqwest::Method;
use serde_json::json;
use test_support::{Agent, Reply, World};

/// JSON that a round trip through floats, maps or C strings would change.
const UNUSUAL_JSON: &str = r#"{"big":123456789012345678901234567890,"small":-9007199254740993,"price":1.10,"e":1E+2,"huge":[1e999,-1E+400],"zero":-0.0,"":"empty name","nul\u0000":"a\u0000b","deep":{"b":[1.0,{"":null}],"a":[]},"text":"\ud83e\udd80 é \u00e9"}"#;

async fn send(agent: &Agent, body: String) -> Reply {
    let request = agent.request(Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
    Reply::fetch(request.body(body)).await
}

#[tokio::test]
async fn metadata_and_payloads_come_back_byte_for_byte() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let channel = &agent.channel;
    let body = format!(
        r#"{{"channelId":"{channel}","text":"x","metadata":{UNUSUAL_JSON},"review":{{"type":"freeform","payload":{UNUSUAL_JSON}}}}}"#
    );
    let sent = send(&agent, body).await;
    let id = sent.expect(201)["id"].as_str().unwrap().to_owned();
    let response = format!(r#"{{"response":{UNUSUAL_JSON}}}"#);
    let request = person.request(Method::POST, &format!("/api/messages/{id}/respond"));
    let answered = Reply::fetch(request.header("Content-Type", "application/json").body(response)).await;
    answered.expect(201);
    let got = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await;
    let listed = agent.get_in_channel("/api/v1/messages").await;
    for (reply, times) in [(sent, 2), (answered, 3), (got, 3), (listed, 3)] {
        assert_eq!(reply.text().matches(UNUSUAL_JSON).count(), times, "{}", reply.text());
    }
}

#[tokio::test]
async fn a_stream_keeps_its_latest_metadata() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let channel = &agent.channel;
    agent
        .send(json!({ "text": "x", "metadata": { "a": 1 }, "streamId": "s", "streamState": "streaming" }))
        .await
        .expect(201);
    let body = format!(
        r#"{{"channelId":"{channel}","text":"a\u0000b","streamId":"s","streamState":"streaming","metadata":{UNUSUAL_JSON}}}"#
    );
    let updated = send(&agent, body).await;
    assert_eq!(updated.expect(201)["text"], "a\u{0}b");
    assert!(updated.text().contains(UNUSUAL_JSON));
}

#[tokio::test]
async fn lone_surrogates_and_malformed_numbers_are_refused() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let channel = &agent.channel;
    for metadata in [r#"{"a":"\ud83e"}"#, r#"{"\udd80":1}"#, r#"{"a":NaN}"#, r#"{"a":01}"#, r#"{"a":01e999}"#] {
        let body = format!(r#"{{"channelId":"{channel}","text":"x","metadata":{metadata}}}"#);
        send(&agent, body).await.expect_error(400, "malformed_json");
    }
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn numbers_beyond_doubles_keep_their_digits() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let channel = &agent.channel;
    let body =
        |number: &str| format!(r#"{{"channelId":"{channel}","text":"x","clientId":"c","metadata":{{"a":{number}}}}}"#);
    let first = send(&agent, body("1e999")).await.expect(201);
    assert_eq!(send(&agent, body("1e999")).await.expect(201)["id"], first["id"]);
    for other in ["1e998", "-1e999", "1e308", "\"1e999\""] {
        send(&agent, body(other)).await.expect_error(409, "idempotency_conflict");
    }
    // Such numbers are subject to the limits of fields and to caps.
    let fields = json!([{ "name": "n", "type": "number", "max": 10 }, { "name": "p", "type": "password" }]);
    let review = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    let answer = async |number: &str| {
        let request = person.request(Method::POST, &format!("/api/messages/{review}/respond"));
        let body = format!(r#"{{"response":{{"n":{number},"p":"secret"}}}}"#);
        Reply::fetch(request.header("Content-Type", "application/json").body(body)).await
    };
    assert_eq!(answer("1e999").await.expect_invalid(), ["response.n"]);
    let answered = answer("-1e999").await;
    assert_eq!(answered.status, 201, "{}", answered.text());
    assert!(answered.text().contains(r#""response":{"n":-1e999,"p":"***REDACTED***"}"#), "{}", answered.text());
    let capped = r#""review":{"type":"approval","expiresInSeconds":1e999}"#;
    send(&agent, format!(r#"{{"channelId":"{channel}",{capped}}}"#)).await.expect(201);
}
