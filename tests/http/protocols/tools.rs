//! The tools of `POST /mcp`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Reply, World};

use super::{answer_next, call, request, structured, tool_error};

fn payment() -> Value {
    json!({ "name": "pay", "args": { "amount": 12, "to": "Ada" }, "editable": ["/amount"] })
}

#[tokio::test]
async fn every_tool_has_texts_schemas_and_annotations() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let listed = request(&agent, "tools/list", json!({}), json!({})).await.expect(200)["result"]["tools"].clone();
    let tools = listed.as_array().unwrap();
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(tool["description"].as_str().unwrap().len() < 400 && tool["title"].is_string(), "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"].is_null(), name == "permission_prompt", "{name}");
        let hints = tool["annotations"].as_object().unwrap();
        assert_eq!(hints.len(), 4, "{name}");
        // The tools that only read say so, and no others do.
        let reads = name.starts_with("get_") || name.starts_with("list_") || name == "wait_for_review";
        assert_eq!(hints["readOnlyHint"], reads, "{name}");
    }
    let names: BTreeSet<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), tools.len());
    for name in ["send_form_answer_message", "send_status_card_message", "request_approval", "permission_prompt"] {
        assert!(names.contains(name), "{name}");
    }
}

#[tokio::test]
async fn messages_are_sent_read_and_deleted() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let channels = structured(&agent, "list_channels", json!({})).await;
    assert_eq!(channels["channels"][0]["id"], agent.channel.as_str());
    let sent = structured(&agent, "send_message", json!({ "text": "one", "status": "success" })).await;
    assert_eq!((&sent["channelId"], &sent["status"]), (&json!(agent.channel), &json!("success")));
    let id = sent["id"].as_str().unwrap();
    assert_eq!(structured(&agent, "get_message", json!({ "messageId": id })).await["text"], "one");
    let found = structured(&agent, "get_messages", json!({ "limit": 5, "search": "ONE", "cursor": null })).await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(structured(&agent, "get_iteration_chain", json!({ "messageId": id })).await["iterations"][0]["id"], id);
    assert_eq!(structured(&agent, "delete_message", json!({ "messageId": id })).await["deleted"], true);
    assert_eq!(tool_error(&agent, "get_message", json!({ "messageId": id })).await["code"], "not_found");
    let pinged = structured(&agent, "ping_status", json!({ "status": "busy", "message": "at it" })).await;
    assert_eq!(pinged["statusMessage"], "at it");
    assert_eq!(structured(&agent, "list_plugins", json!({})).await["plugins"][0]["name"], "form-answer");
    let refused = tool_error(&agent, "send_message", json!({ "text": 1, "status": "odd" })).await;
    let fields: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|it| it["path"][0].clone()).collect();
    assert_eq!((&refused["statusCode"], fields), (&json!(400), vec![json!("text"), json!("status")]));
    assert_eq!(tool_error(&agent, "get_message", json!({})).await["code"], "validation_failed");
}

#[tokio::test]
async fn files_are_sent_with_messages_and_deleted_with_them() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.upload("store", "plan.txt", "text/plain", "a plan").await.expect(201)["id"].clone();
    let message = json!({ "attachmentIds": [file], "textAttachments": [{ "content": "steps", "filename": "s.md" }] });
    let sent = structured(&agent, "send_message", message).await;
    let attachments = sent["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 2);
    structured(&agent, "delete_message", json!({ "messageId": sent["id"] })).await;
    for attachment in attachments {
        let path = format!("/api/v1/files/{}", attachment["id"].as_str().unwrap());
        agent.get_in_channel(&path).await.expect(404);
    }
}

#[tokio::test]
async fn the_channel_may_be_left_out_where_one_is_known() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let made = structured(&agent, "create_channel", json!({ "name": "Second" })).await;
    let second = made["id"].as_str().unwrap();
    let refused = tool_error(&agent, "send_message", json!({ "text": "x" })).await;
    assert_eq!(refused["errors"][0]["path"], json!(["channelId"]));
    let sent = structured(&agent, "send_message", json!({ "text": "x", "channelId": second })).await;
    assert_eq!(sent["channelId"], second);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "send_message", "arguments": { "text": "x" } } });
    let named = agent.request(Method::POST, &format!("/mcp?channel={second}")).json(&body);
    assert_eq!(Reply::fetch(named).await.expect(200)["result"]["structuredContent"]["channelId"], second);
}

#[tokio::test]
async fn questions_are_asked_and_answered() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let question = json!({ "text": "Which?", "reviewType": "selection",
        "payload": { "mode": "single", "items": [{ "id": "a", "label": "A" }] } });
    let id = structured(&agent, "send_review_message", question).await["id"].as_str().unwrap().to_owned();
    let pending = structured(&agent, "get_pending_reviews", json!({})).await;
    assert_eq!(pending["reviews"][0]["id"], id.as_str());
    let waited = structured(&agent, "wait_for_review", json!({ "messageId": id, "timeout": 50 })).await;
    assert_eq!((&waited["status"], waited["pollAfterMs"].is_u64()), (&json!("pending"), true));
    person.answer(&id, json!({ "selectedIds": ["a"] })).await.expect(201);
    let waited = structured(&agent, "wait_for_review", json!({ "messageId": id })).await;
    assert_eq!(waited["status"], "completed");
    assert_eq!(waited["message"]["review"]["response"]["selectedIds"], json!(["a"]));
    let card = json!({ "title": "Deploy", "text": "running", "progress": 40, "requestReview": false });
    let sent = structured(&agent, "send_status_card_message", card).await;
    assert_eq!((&sent["metadata"]["plugin"], &sent["metadata"]["progress"]), (&json!("status-card"), &json!(40)));
    let form = json!({ "title": "Who?", "fields": [{ "name": "n", "type": "text" }] });
    let sent = structured(&agent, "send_form_answer_message", form).await;
    assert_eq!(
        (&sent["review"]["type"], &sent["review"]["payload"]["plugin"]),
        (&json!("freeform"), &json!("form-answer"))
    );
}

#[tokio::test]
async fn an_approved_action_comes_back_as_it_was_edited_and_is_consumed_once() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let asked = structured(&agent, "request_approval", json!({ "text": "Pay?", "action": payment() })).await;
    assert_eq!(asked["status"], "pending");
    let (id, digest) = (asked["messageId"].as_str().unwrap(), &asked["actionDigest"]);
    let early = tool_error(&agent, "consume_approval", json!({ "messageId": id, "actionDigest": digest })).await;
    assert_eq!(early["code"], "not_allowed");
    let edited = json!({ "selectedOption": "approve", "comment": "less", "editedArgs": { "amount": 5, "to": "Ada" } });
    person.answer(id, edited).await.expect(201);
    let decided = structured(&agent, "wait_for_review", json!({ "messageId": id })).await;
    assert_eq!((&decided["effect"], &decided["comment"]), (&json!("allow"), &json!("less")));
    assert_eq!(decided["action"], json!({ "name": "pay", "args": { "amount": 5, "to": "Ada" } }));
    assert!(decided["receipt"].is_string() && decided["actionDigest"] != *digest);
    let consume = json!({ "messageId": id, "actionDigest": decided["actionDigest"] });
    assert_eq!(structured(&agent, "consume_approval", consume.clone()).await["consumed"], true);
    assert_eq!(tool_error(&agent, "consume_approval", consume).await["code"], "already_consumed");
    assert_eq!(tool_error(&agent, "withdraw_review", json!({ "messageId": id })).await["code"], "already_decided");
    let other = structured(&agent, "request_approval", json!({ "action": payment() })).await;
    let withdrawn =
        structured(&agent, "withdraw_review", json!({ "messageId": other["messageId"], "reason": "x" })).await;
    assert_eq!(withdrawn, json!({ "status": "cancelled", "messageId": other["messageId"] }));
    assert_eq!(tool_error(&agent, "request_approval", json!({ "text": "x" })).await["errors"][0]["path"][0], "action");
}

#[tokio::test]
async fn a_call_that_waits_has_the_answer_as_soon_as_it_is_given() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let waiting = structured(&agent, "request_approval", json!({ "action": payment(), "waitInline": true }));
    let answering = answer_next(&person, json!({ "selectedOption": "reject", "comment": "no" }));
    let (decided, ()) = tokio::join!(waiting, answering);
    assert_eq!((&decided["status"], &decided["effect"]), (&json!("completed"), &json!("deny")));
    assert_eq!(decided["comment"], "no");
}

#[tokio::test]
async fn a_permission_prompt_is_answered_in_claude_codes_terms() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let used = json!({ "tool_name": "Bash", "input": { "command": "ls" }, "tool_use_id": "t1" });
    let edited = json!({ "selectedOption": "approve", "editedArgs": { "command": "ls -l" } });
    let (result, ()) = tokio::join!(call(&agent, "permission_prompt", used.clone()), answer_next(&person, edited));
    assert_eq!(result.get("structuredContent"), None);
    let said = json!({ "behavior": "allow", "updatedInput": { "command": "ls -l" } });
    let text = |result: &Value| serde_json::from_str::<Value>(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text(&result), said);
    // The same use has its answer, and another one is another question.
    assert_eq!(text(&call(&agent, "permission_prompt", used).await), said);
    let refused = tool_error(&agent, "permission_prompt", json!({ "tool_name": "Bash" })).await;
    assert_eq!(refused["errors"][0]["path"], json!(["input"]));
}

#[tokio::test]
async fn no_tool_decides_and_none_reaches_another_users_messages() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let (agent, other) = (person.agent().await, stranger.agent().await);
    let theirs = other.request_approval().await;
    let digest = json!(format!("sha256:{}", "0".repeat(64)));
    let arguments = json!({ "messageId": theirs, "channelId": other.channel, "text": "x", "status": "active",
        "reviewType": "approval", "action": payment(), "actionDigest": digest, "tool_name": "x", "input": {},
        "title": "x", "fields": [], "urls": [], "name": "x", "reason": "x", "timeout": 50,
        "response": { "selectedOption": "approve" }, "selectedOption": "approve" });
    let listed = request(&agent, "tools/list", json!({}), json!({})).await.expect(200)["result"]["tools"].clone();
    for tool in listed.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()) {
        let result = call(&agent, tool, arguments.clone()).await;
        let is_free = ["list_channels", "list_plugins", "create_channel"].contains(&tool);
        assert_eq!(result["isError"], !is_free, "{tool}");
        assert!(!result.to_string().contains(&other.channel), "{tool}");
        // Nor do any of its own, whatever is said to them.
        let mut own = arguments.clone();
        own["channelId"] = json!(agent.channel);
        own["messageId"] = json!(agent.request_approval().await);
        if tool != "permission_prompt" {
            call(&agent, tool, own.clone()).await;
        }
        let left = agent.get(&format!("/api/v1/messages/{}", own["messageId"].as_str().unwrap())).await.json();
        assert_ne!(left["review"]["status"], "completed", "{tool}");
    }
    assert_eq!(
        other.get_in_channel(&format!("/api/v1/reviews/{theirs}")).await.expect(200)["review"]["status"],
        "pending"
    );
}

#[tokio::test]
async fn a_tool_costs_what_its_route_costs() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    for (tool, arguments, cost) in [
        ("get_message", json!({ "messageId": id }), (1, 1)),
        ("send_message", json!({ "channelId": agent.channel, "text": "x" }), (2, 2)),
        ("get_messages", json!({ "channelId": agent.channel }), (2, 1)),
    ] {
        let params = json!({ "name": tool, "arguments": arguments });
        let reply = request(&agent, "tools/call", params, json!({})).await;
        assert_eq!((reply.cost().calls, reply.cost().round_trips), cost, "{tool}");
    }
    let listed = request(&agent, "tools/list", json!({}), json!({})).await;
    assert_eq!((listed.cost().calls, listed.cost().round_trips), (1, 1));
}

/// A tool may do what the key may do on the routes: a key of one agent writes in its channel without naming it and
/// reaches no other, and a key that may only read reads.
#[tokio::test]
async fn tools_keep_to_what_the_key_may_reach() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let made = async |scope: Value| person.post("/api/api-keys", scope).await.expect(201)["key"].clone();
    let scoped = agent.with_key(made(json!({ "name": "one", "agentId": agent.channel })).await.as_str().unwrap());
    let sent = structured(&scoped, "send_message", json!({ "text": "one" })).await;
    assert_eq!(sent["channelId"], agent.channel.as_str());
    let foreign = json!({ "text": "two", "channelId": other.channel });
    let refused = tool_error(&scoped, "send_message", foreign).await["statusCode"].clone();
    assert!(refused == 403 || refused == 404, "{refused}");
    request(&scoped, "tools/list", json!({}), json!({})).await.expect(200);
    let reader = agent.with_key(made(json!({ "name": "reader", "readOnly": true })).await.as_str().unwrap());
    let read = structured(&reader, "get_message", json!({ "messageId": sent["id"] })).await;
    assert_eq!(read["text"], "one");
    let written = json!({ "text": "three", "channelId": agent.channel });
    assert_eq!(tool_error(&reader, "send_message", written).await["statusCode"], 403);
    // This tool asks without the route of messages.
    let used = json!({ "channelId": agent.channel, "tool_name": "Bash", "input": { "command": "ls" } });
    assert_eq!(tool_error(&reader, "permission_prompt", used).await["statusCode"], 403);
    assert_eq!(person.get("/api/messages/reviews").await.expect(200), json!([]));
}
