//! What an agent may ask about an act

use serde_json::{Value, json};
use test_support::World;

use super::{ask, asking, faults, pairs, payment};

#[tokio::test]
async fn an_act_comes_back_as_it_was_sent_with_its_digest() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let text = r#"{"zeta": 1, "name":"pay","args":{"to":"Ada","amount":8.20e4,"__proto__":{"x":1},"1":[ ]},"other":9007199254740993}"#;
    let body = format!(
        r#"{{"channelId":"{}","review":{{"type":"approval","action":{text}}},"clientId":"once"}}"#,
        agent.channel
    );
    let send = || {
        let request = agent.request(reqwest::Method::POST, "/api/v1/messages");
        test_support::Reply::fetch(request.header("content-type", "application/json").body(body.clone()))
    };
    let sent = send().await;
    let id = sent.expect(201)["id"].as_str().unwrap().to_owned();
    let read = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await;
    for reply in [&sent, &read, &send().await] {
        assert!(reply.text().contains(text), "{}", reply.text());
        let review = reply.json()["review"].clone();
        assert!(review["actionDigest"].as_str().unwrap().starts_with("sha256:"), "{review}");
        assert_eq!(review["decision"], Value::Null);
        assert_eq!(reply.json()["id"], json!(id));
    }
    let other = agent.send(json!({ "clientId": "once", "review": { "type": "approval" } })).await;
    other.expect_error(409, "idempotency_conflict");
}

#[tokio::test]
async fn a_review_without_an_act_has_none() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let options = json!([{ "id": "ship", "label": "Ship", "effect": "whatever" }]);
    let review = json!({ "type": "approval", "payload": { "options": options } });
    let id = agent.create_message(json!({ "review": review })).await;
    // A member that has a meaning for acts alone.
    let response = json!({ "selectedOption": "ship", "editedArgs": 1 });
    let answered = person.answer(&id, response.clone()).await.expect(201)["review"].clone();
    assert_eq!(answered["response"], response);
    for member in ["action", "actionDigest", "decision"] {
        assert_eq!(answered.get(member), Some(&Value::Null), "{member}");
    }
}

#[tokio::test]
async fn every_fault_of_an_act_is_named() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let action = |name: &str, value: Value| {
        let mut action = payment();
        action[name] = value;
        action
    };
    for (action, expected) in [
        (json!({}), &[("name", "required"), ("args", "required")][..]),
        (action("name", json!(" ")), &[("name", "empty")]),
        (action("name", json!("n".repeat(129))), &[("name", "too_long")]),
        (action("args", json!([1])), &[("args", "not_an_object")]),
        (action("target", json!("t".repeat(257))), &[("target", "too_long")]),
        (action("summary", json!("s".repeat(501))), &[("summary", "too_long")]),
        (action("risk", json!("huge")), &[("risk", "not_offered")]),
        (action("reversible", json!("no")), &[("reversible", "not_a_boolean")]),
        (action("editable", json!("/amount")), &[("editable", "not_an_array")]),
        (
            action("editable", json!(["amount", "/a~2"])),
            &[("editable.0", "not_a_pointer"), ("editable.1", "not_a_pointer")],
        ),
        (action("argsSchema", json!({ "type": "nothing" })), &[("argsSchema", "not_a_schema")]),
        (action("argsSchema", json!({ "$ref": "https://example.com/x" })), &[("argsSchema", "not_a_schema")]),
        (action("argsSchema", json!(false)), &[("args", "schema_violation")]),
        (
            action("args", json!({ "amount": 820_000, "to": 7, "note": null })),
            &[("args.amount", "schema_violation"), ("args.to", "schema_violation")],
        ),
    ] {
        let reply = agent.send(asking(action.clone())).await;
        let expected: Vec<_> = expected.iter().map(|(path, code)| (format!("review.action.{path}"), *code)).collect();
        let expected: Vec<_> = expected.iter().map(|(path, code)| (path.as_str(), *code)).collect();
        assert_eq!(faults(&reply), pairs(&expected), "{action}");
    }
}

#[tokio::test]
async fn an_act_belongs_to_an_approval_that_can_allow_it() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let asked =
        |kind: &str, payload: Value| json!({ "review": { "type": kind, "payload": payload, "action": payment() } });
    let options = |options: Value| json!({ "options": options });
    let freeform = agent.send(asked("freeform", json!({}))).await;
    assert_eq!(faults(&freeform), pairs(&[("review.action", "not_with_type")]));
    let denying = options(json!(["reject", { "id": "approve", "label": "A", "effect": "deny" }]));
    let denying = agent.send(asked("approval", denying)).await;
    assert_eq!(faults(&denying), pairs(&[("review.payload.options", "no_allowing_option")]));
    let unknown = options(json!(["approve", { "id": "b", "label": "B", "effect": "maybe" }]));
    let unknown = agent.send(asked("approval", unknown)).await;
    assert_eq!(faults(&unknown), pairs(&[("review.payload.options.1.effect", "not_offered")]));
    for payload in
        [json!({}), options(json!(["approve"])), options(json!([{ "id": 1, "label": "1", "effect": "allow" }]))]
    {
        agent.send(asked("Approval", payload)).await.expect(201);
    }
}

#[tokio::test]
async fn arguments_have_one_meaning_only() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (args, place, code) in [
        (r#"{"n":[1,9007199254740993]}"#, "args.n.1", "number_not_exact"),
        (r#"{"n":1e400}"#, "args.n", "number_not_exact"),
        (r#"{"n":0.30000000000000001}"#, "args.n", "number_not_exact"),
        (r#"{"to":"Ada","to":"Eve"}"#, "args.to", "duplicate_name"),
        ("{\"to\":\"Ada\",\"t\\u006f\":\"Eve\"}", "args.to", "duplicate_name"),
        (&format!(r#"{{"deep":{}{}}}"#, "[".repeat(110), "]".repeat(110)), "", "too_deep"),
    ] {
        let path = if place.is_empty() { "review.action".to_owned() } else { format!("review.action.{place}") };
        let body = format!(
            r#"{{"channelId":"{}","metadata":{{"n":9007199254740993}},"review":{{"type":"approval","action":{{"name":"x","args":{args}}}}}}}"#,
            agent.channel
        );
        let request = agent.request(reqwest::Method::POST, "/api/v1/messages");
        let reply = test_support::Reply::fetch(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(faults(&reply), pairs(&[(&path, code)]), "{args}");
    }
}

#[tokio::test]
async fn hostile_arguments_come_back_as_they_were() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut deep = json!("bottom");
    (0..100).for_each(|_| deep = json!({ "d": deep }));
    let args = json!({
        "deep": deep, "__proto__": { "polluted": true }, "constructor": { "prototype": 1 }, "long": "x".repeat(3_000),
        "html": "<img src=x onerror=alert(1)>", "bidi": "\u{202e}evil\u{2066}", "": "", "a/b~c": [],
        // Latin and Cyrillic.
        "to": "Ada", "t\u{43e}": "Eve", "\u{0}": "\u{1}\u{7f}\u{200b}"
    });
    let id = ask(&agent, json!({ "name": "<b>\u{202e}", "args": args.clone() })).await;
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    let review = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
    assert_eq!((&review["action"]["args"], &review["decision"]["action"]["args"]), (&args, &args));
    assert_eq!(review["decision"]["actionDigest"], review["actionDigest"]);
    assert_eq!(person.get(&format!("/reviews/{id}")).await.status, 200);
    assert_eq!(person.get("/").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_stored_with_its_answer_is_too_large() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let act = |size: usize| json!({ "name": "x", "args": { "text": "x".repeat(size) }, "editable": [""] });
    agent.send(asking(act(32 * 1024))).await.expect_error(413, "too_large");
    let message = |note: usize| {
        let mut message = asking(act(32 * 1024 - 100));
        message["text"] = json!("t".repeat(200 * 1024));
        message["metadata"] = json!({ "m": "m".repeat(60 * 1024) });
        message["review"]["payload"] = json!({ "note": "n".repeat(note) });
        message
    };
    let refused = agent.send(message(20 * 1024)).await;
    assert_eq!(refused.expect_error(413, "too_large")["statusCode"], 413);
    // The largest answer to nearly the largest message.
    let id = agent.send(message(8 * 1024)).await.expect(201)["id"].as_str().unwrap().to_owned();
    let edited = json!({ "text": "y".repeat(32 * 1024 - 20) });
    let response = json!({ "selectedOption": "approve", "editedArgs": edited, "comment": "c".repeat(31 * 1024) });
    let answer = json!({ "response": response, "feedback": "\u{1}".repeat(16 * 1024) });
    let decided = person.post(&format!("/api/messages/{id}/respond"), answer).await.expect(201);
    assert_eq!(decided["review"]["decision"]["action"]["args"], edited);
    let too_long = json!({ "selectedOption": "approve", "editedArgs": { "text": "y".repeat(32 * 1024) } });
    let id = ask(&agent, act(1)).await;
    person.answer(&id, too_long).await.expect_error(413, "too_large");
}
