//! JSON bodies of every route that takes one.

use serde_json::{Value, json};
use test_support::contract::{BodyTemplate, CallBody, Route, routes};

use super::{Caller, check_response, send_checked};
use reqwest::Method;
use test_support::Reply;

/// The routes that take JSON, without repetitions.
fn json_routes() -> Vec<Route> {
    let mut routes: Vec<Route> =
        routes().into_iter().filter(|route| matches!(route.body, BodyTemplate::Json(_))).collect();
    let mut seen = vec![];
    routes.retain(|route| {
        let this = (route.method, route.path);
        let new = !seen.contains(&this);
        seen.push(this);
        new
    });
    routes
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn malformed_bodies() {
    let caller = Caller::new().await;
    let large = format!("[{}0]", "0,".repeat(100_000));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"-0".to_vec(),
        b"1e400".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{}{}".to_vec(),
        b"{\"\":1,\"\":2,\"\\u0000\":3}".to_vec(),
        b"{\"\\udfff\":1}".to_vec(),
        b"{\"a\":\"\xff\"}".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
        nested(100_000).into_bytes(),
        large.into_bytes(),
    ];
    for route in json_routes() {
        for body in &bodies {
            let request = caller.call(&route).request_without_body(&caller.person, &caller.agent);
            let request = request.header("Content-Type", "application/json").body(body.clone());
            let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            send_checked(request, &format!("{} {} with {start}", route.method, route.path)).await;
        }
    }
}

/// Replaces each member of a valid body in turn.
#[tokio::test]
async fn members_of_the_wrong_type() {
    let caller = Caller::new().await;
    let long = json!("x".repeat(10_000)).to_string();
    let deep = nested(120);
    let odd = ["1e400", "-0", "12345678901234567890123", "\"\\u0000\"", "\"\u{2028}\u{202e}🦀\"", "[[]]", &long, &deep];
    for route in json_routes() {
        let call = caller.call(&route);
        let CallBody::Json(good) = &call.body else { continue };
        let good: Value = serde_json::from_str(good).unwrap();
        for name in good.as_object().unwrap().keys() {
            for odd in odd {
                let others = good.as_object().unwrap().iter().filter(|(other, _)| *other != name);
                let others: String = others.map(|(name, value)| format!(",{}:{value}", json!(name))).collect();
                let body = format!("{{{}:{odd}{others}}}", json!(name));
                let request =
                    call.request_without_body(&caller.person, &caller.agent).header("Content-Type", "application/json");
                let what = format!("{} {} with {}", route.method, route.path, &body[..body.len().min(80)]);
                send_checked(request.body(body.clone()), &what).await;
            }
        }
    }
}

#[tokio::test]
async fn wrong_content_types_and_encodings() {
    let caller = Caller::new().await;
    let types: [&[u8]; 8] = [
        b"",
        b"text/plain",
        b"application/json;charset=utf-16",
        b"application/json, text/plain",
        b"APPLICATION/JSON ; charset",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"\xff\xfe",
    ];
    for route in json_routes() {
        let call = caller.call(&route);
        let CallBody::Json(good) = &call.body else { continue };
        for kind in types {
            let request = call.request_without_body(&caller.person, &caller.agent).header("Content-Type", kind);
            let what = format!("{} {} as {}", route.method, route.path, String::from_utf8_lossy(kind));
            // Truncated, so that no call takes effect.
            send_checked(request.body(good[..good.len() - 1].to_owned()), &what).await;
        }
        let twice = call.request_without_body(&caller.person, &caller.agent).header("Content-Type", "application/json");
        let twice = twice.header("Content-Type", "text/plain").body("{");
        send_checked(twice, &format!("{} {} as two types", route.method, route.path)).await;
        let zipped =
            call.request_without_body(&caller.person, &caller.agent).header("Content-Type", "application/json");
        let zipped =
            zipped.header("Content-Encoding", "gzip").body(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec());
        send_checked(zipped, &format!("{} {} zipped", route.method, route.path)).await;
    }
}

#[tokio::test]
async fn nesting_is_taken_to_127_levels_and_refused_beyond_what_is_parsed() {
    let caller = Caller::new().await;
    let send = |levels: usize| {
        // The body and the metadata are two of the levels.
        let metadata = format!("{{\"a\":{}}}", nested(levels - 2));
        let body = format!("{{\"channelId\":\"{}\",\"text\":\"x\",\"metadata\":{metadata}}}", caller.agent.channel);
        let request = caller.agent.request(Method::POST, "/api/v1/messages");
        Reply::fetch(request.header("Content-Type", "application/json").body(body))
    };
    send(127).await.expect(201);
    for levels in [128, 129, 1_000] {
        send(levels).await.expect_error(400, "malformed_json");
    }
}

/// Bodies are sent and compared as text: parsing would hide a difference.
#[tokio::test]
async fn stored_json_comes_back_byte_for_byte() {
    let caller = Caller::new().await;
    let agent = &caller.agent;
    for kept in [
        r#"{"n":1.10,"z":-0,"e":1E+2,"big":123456789012345678901234567890123456789012}"#,
        r#"{"":1,"a":{"z":1,"a":2,"m":[]},"nul":"\u0000","slash":"\/","escaped":"\u00e9é"}"#,
        r#"{ "spaces" : [ 1 , 2 ] , "none" : null }"#,
        r#"{"twice":1,"twice":2}"#,
        "{\"line\":\"\u{2028}\u{2029}\u{feff}\",\"right\":\"\u{202e}\",\"crab\":\"🦀\",\"pair\":\"\\ud83e\\udd80\"}",
        r##"{"__proto__":{"a":1},"constructor":null,"$ref":"x","#N":"pk"}"##,
    ] {
        let review = format!("{{\"type\":\"freeform\",\"payload\":{kept},\"callback\":null}}");
        let body =
            format!("{{\"channelId\":\"{}\",\"text\":\"x\",\"metadata\":{kept},\"review\":{review}}}", agent.channel);
        let post = agent.request(Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
        let created = Reply::fetch(post.body(body)).await;
        let id = created.expect(201)["id"].as_str().unwrap().to_owned();
        let read = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await;
        let listed = agent.get_in_channel("/api/v1/messages?limit=1").await;
        for reply in [&created, &read, &listed] {
            for member in ["metadata", "payload"] {
                let member = format!("\"{member}\":{kept}");
                assert!(reply.text().contains(&member), "{member} is not in {}", reply.text());
            }
        }
        let answer = caller.person.request(Method::POST, &format!("/api/messages/{id}/respond"));
        let answer = answer.header("Content-Type", "application/json").body(format!("{{\"response\":{kept}}}"));
        let answer = Reply::fetch(answer).await;
        answer.expect(201);
        for reply in [answer, agent.wait(&id, 1000).await] {
            assert!(reply.text().contains(&format!("\"response\":{kept}")), "{kept} is not in {}", reply.text());
        }
    }
}

#[tokio::test]
async fn texts_come_back_character_for_character() {
    let caller = Caller::new().await;
    for text in
        ["\u{0}", "\u{0}a\u{0}", "\u{1b}[31m", "\u{202e}txt.exe", "\u{feff}", "\u{2028}", "e\u{301}", "🏳️‍🌈", "\r\n\t"]
    {
        let created = caller.agent.send(json!({ "text": text, "clientId": format!("c{text}c") })).await.expect(201);
        assert_eq!((&created["text"], &created["clientId"]), (&json!(text), &json!(format!("c{text}c"))));
        let ping = json!({ "agentId": caller.agent.channel, "status": "busy", "message": text });
        check_response(&caller.agent.post("/api/v1/status/ping", ping).await, "a ping");
    }
    for lone in ["\\ud800", "\\udc00\\ud800", "\\ud800x"] {
        let body = format!("{{\"channelId\":\"{}\",\"text\":\"{lone}\"}}", caller.agent.channel);
        let post = caller.agent.request(Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
        Reply::fetch(post.body(body)).await.expect_error(400, "malformed_json");
    }
}

#[tokio::test]
async fn oversized_input_is_413() {
    let caller = Caller::new().await;
    let kib = |count: usize| "x".repeat(count * 1024);
    for body in [
        json!({ "text": kib(201) }),
        json!({ "text": "x", "metadata": { "a": kib(65) } }),
        json!({ "review": { "type": "freeform", "payload": { "a": kib(65) } } }),
    ] {
        let error = caller.agent.send(body).await.expect_error(413, "too_large");
        assert!(error["message"].as_str().unwrap().contains("textAttachments"), "{error}");
    }
    caller.agent.send(json!({ "text": kib(200) })).await.expect(201);
    for member in ["attachmentIds", "textAttachments"] {
        let many = vec![json!("x"); 100_000];
        let reply = caller.agent.send(json!({ "text": "x", member: many })).await;
        assert_eq!(reply.expect_invalid(), [member]);
    }
}
