//! Bodies that are not JSON or not of the expected shape: the error names the problem and its place.

use reqwest::Method;
use serde_json::{Value, json};
use shared::json::MAX_LEVELS;
use test_support::{Agent, Reply, World};

async fn post(agent: &Agent, path: &str, body: impl Into<reqwest::Body>) -> Reply {
    Reply::fetch(agent.request(Method::POST, path).header("Content-Type", "application/json").body(body.into())).await
}

async fn post_message(agent: &Agent, body: impl Into<reqwest::Body>) -> Reply {
    post(agent, "/api/v1/messages", body).await
}

fn error_message(reply: &Reply, code: &str) -> String {
    reply.expect_error(400, code)["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_text_cut_inside_a_character_is_reported_with_its_member() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let with = |text: &str| format!("{{\"channelId\":\"{}\",{text}}}", agent.channel);
    for (members, expected) in [
        (r#""text":"cut \ud83d""#, r"text ends in half a character (\ud83d)"),
        (r#""text":"\ude00 cut""#, r"text begins with half a character (\ude00)"),
        (
            r#""text":"x","review":{"type":"approval","payload":{"options":[{"id":"a","label":"Yes \ud83d"}]}}"#,
            r"review.payload.options[0].label ends in half a character (\ud83d)",
        ),
        (r#""metadata":{"note":"a\udfffb"}"#, r"metadata.note holds half a character (\udfff)"),
    ] {
        let reply = post_message(&agent, with(members)).await;
        assert_eq!(error_message(&reply, "malformed_json"), format!("The body is not valid JSON: {expected}."));
    }
    let reply = post(&agent, "/api/v1/files/store-text", with(r#""content":"\ud83d""#)).await;
    assert!(error_message(&reply, "malformed_json").contains("content ends in half a character"));
    post_message(&agent, with(r#""text":"whole \ud83d\ude00""#)).await.expect(201);
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_and_other_encodings_are_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = json!({ "channelId": agent.channel, "text": "marked" }).to_string();
    post_message(&agent, format!("\u{feff}{body}")).await.expect(201);
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&b"\xff\xfe"[..], &utf16].concat();
    for (bytes, what) in [
        (utf16, "UTF-16"),
        (marked, "UTF-16"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec(), "gzip"),
        (b"{\"text\":\"caf\xe9\"}".to_vec(), "UTF-8, from byte 13"),
        (vec![], "empty"),
    ] {
        let reply = post_message(&agent, bytes).await;
        assert!(error_message(&reply, "malformed_json").contains(what), "{what}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_json_error_names_its_place_and_not_the_value() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (body, what) in [
        (r#"{"text":"x","metadata":{"score":NaN}}"#, "NaN and Infinity are no JSON numbers"),
        (r#"{"metadata":{"score":-Infinity}}"#, "at metadata.score, line 1"),
        (r#"{"text":"x",}"#, "no comma after the last member"),
        ("{\n  // a note\n  \"text\":\"x\"}", "JSON has no comments (line 2 column 3)"),
        (r#"{'text':'x'}"#, "plain double quotes"),
        (r#"{"text":None}"#, "Python"),
        (r#"{"text":hunter2}"#, "strings stand in double quotes (at text"),
        (r#"{"text":"x""#, "it ends too early"),
        ("{\"text\":\"two\nlines\"}", "write it as \\n"),
    ] {
        let reply = post_message(&agent, body).await;
        let sentence = error_message(&reply, "malformed_json");
        assert!(sentence.contains(what) && !sentence.contains("hunter2"), "{body}: {sentence}");
    }
}

#[tokio::test]
async fn the_documented_depth_is_the_one_that_is_read() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let documented = format!("| nesting of JSON | {MAX_LEVELS} levels |");
    assert!(include_str!("../../../docs/API-DESIGN.md").contains(&documented), "docs/API-DESIGN.md has another limit");
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    // The body and the member's object are two of the levels.
    let deep = |member: &str, levels: usize| format!("{{\"{member}\":{{\"a\":{}}}", nested(levels - 2));
    let sent = |levels| format!("{},\"channelId\":\"{}\",\"text\":\"x\"}}", deep("metadata", levels), agent.channel);
    post_message(&agent, sent(MAX_LEVELS)).await.expect(201);
    let refused = post_message(&agent, sent(MAX_LEVELS + 1)).await;
    assert!(error_message(&refused, "malformed_json").contains(&format!("deeper than {MAX_LEVELS} levels")));

    let review_id = agent.create_message(json!({ "text": "?", "review": { "type": "freeform" } })).await;
    let path = format!("/api/messages/{review_id}/respond");
    let answer = async |levels: usize| {
        let request = person.request(Method::POST, &path).header("Content-Type", "application/json");
        Reply::fetch(request.body(deep("response", levels) + "}")).await
    };
    assert!(error_message(&answer(MAX_LEVELS + 1).await, "malformed_json").contains("deeper"));
    answer(MAX_LEVELS).await.expect(201);
    let waited = agent.wait(&review_id, 1000).await;
    assert!(waited.status == 200 && waited.text().contains("\"status\":\"completed\""), "{}", waited.text());
}

#[tokio::test]
async fn the_message_of_an_error_names_the_place_of_nested_fields() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message = |kind: &str, payload: Value| json!({ "text": "?", "review": { "type": kind, "payload": payload } });
    for (body, places) in [
        (message("approval", json!({ "options": [true] })), vec!["review.payload.options[0] must be"]),
        (
            message("approval", json!({ "options": [{ "id": "a", "label": "A" }, { "id": true, "label": "B" }] })),
            vec!["review.payload.options[1].id must be a string"],
        ),
        (
            message("form", json!({ "fields": [{ "name": "n", "type": "text", "required": "yes" }] })),
            vec!["review.payload.fields[0].required must be true or false"],
        ),
        (json!({ "text": 5, "review": { "type": 7 } }), vec!["text must be a string", "review.type must be a string"]),
        (json!({ "text": "x", "attachmentIds": ["fil_x"] }), vec!["attachmentIds[0]: "]),
        (
            json!({ "text": "x", "textAttachments": [{ "content": 1 }] }),
            vec!["textAttachments[0].content must be a string"],
        ),
    ] {
        let reply = agent.send(body.clone()).await;
        let sentence = error_message(&reply, "validation_failed");
        assert!(places.iter().all(|place| sentence.contains(place)), "{body}: {sentence}");
    }
    let webhook = json!({ "channelId": agent.channel, "url": "https://93.184.215.14/", "headers": { "Host": "x" } });
    let sentence = error_message(&agent.post("/api/v1/agents/setWebhook", webhook).await, "validation_failed");
    assert!(sentence.contains("headers.Host: "), "{sentence}");
}

#[tokio::test]
async fn a_compressed_body_is_415_naming_the_encoding() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = json!({ "channelId": agent.channel, "text": "x" }).to_string();
    let encoded = |agent: &Agent, coding: &str| {
        let request = agent.request(Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
        Reply::fetch(request.header("Content-Encoding", coding).body(body.clone()))
    };
    for (coding, name) in [("gzip", "gzip"), ("br", "br"), ("identity, zstd", "zstd"), ("x-odd", "x-odd")] {
        let error = encoded(&agent, coding).await.expect_error(415, "unsupported_encoding");
        assert_eq!(error["message"], format!("Send the body without Content-Encoding: {name} is not supported."));
    }
    encoded(&agent, "identity").await.expect(201);
    encoded(&agent.with_key("hp_x"), "gzip").await.expect_error(401, "unauthorized");
    let form = reqwest::multipart::Form::new().text("channelId", agent.channel.clone()).text("file", "x");
    let upload = agent.request(Method::POST, "/api/v1/files/store").header("Content-Encoding", "deflate");
    Reply::fetch(upload.multipart(form)).await.expect_error(415, "unsupported_encoding");
}
