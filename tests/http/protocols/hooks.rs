//! `POST /api/v1/hooks/claude-code` and `/codex`

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

const CLAUDE_CODE: &str = "/api/v1/hooks/claude-code";

fn hook(event: &str, command: &str) -> Value {
    json!({ "session_id": "s", "cwd": "/repo", "permission_mode": "default", "hook_event_name": event,
        "tool_name": "Bash", "tool_input": { "command": command, "timeout": 1.5 } })
}

fn with_id(mut hook: Value) -> Value {
    hook["tool_use_id"] = json!("toolu_1");
    hook
}

/// Calls a hook, which is held only shortly.
async fn ask(agent: &Agent, path: &str, hook: &Value) -> Reply {
    agent.post(&format!("{path}?channel={}&timeout=30", agent.channel), hook.clone()).await
}

async fn decision(agent: &Agent, hook: &Value) -> Value {
    ask(agent, CLAUDE_CODE, hook).await.expect(200)["hookSpecificOutput"].clone()
}

/// The only pending review's id.
async fn pending(person: &Person) -> String {
    let pending = person.get("/api/messages/reviews").await.expect(200);
    assert_eq!(pending.as_array().unwrap().len(), 1, "one question");
    pending[0]["id"].as_str().unwrap().to_owned()
}

async fn answer(person: &Person, response: Value) {
    person.answer(&pending(person).await, response).await.expect(201);
}

#[tokio::test]
async fn the_question_shows_the_exact_call() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    assert_eq!(ask(&agent, CLAUDE_CODE, &hook("PermissionRequest", "ls")).await.expect(200), json!({}));
    let message = person.get(&format!("/api/messages/{}", pending(&person).await)).await.expect(200);
    assert_eq!(message["text"], "Claude Code wants to use Bash in /repo.");
    let action = json!({ "name": "Bash", "args": { "command": "ls", "timeout": 1.5 }, "editable": [""] });
    assert_eq!(message["review"]["action"], action);
}

#[tokio::test]
async fn a_permission_request_is_allowed_denied_or_left_open() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let request = hook("PermissionRequest", "rm -r build");
    assert_eq!(ask(&agent, CLAUDE_CODE, &request).await.expect(200), json!({}));
    answer(&person, json!({ "selectedOption": "approve" })).await;
    let allowed = json!({ "hookEventName": "PermissionRequest", "decision": { "behavior": "allow" } });
    assert_eq!(decision(&agent, &request).await, allowed);
    assert_eq!(decision(&agent, &request).await, Value::Null, "the same command once more is asked about anew");
    answer(&person, json!({ "selectedOption": "reject", "comment": "not that one" })).await;
    let denied = json!({ "behavior": "deny", "message": "not that one" });
    assert_eq!(decision(&agent, &request).await["decision"], denied);
    assert_eq!(decision(&agent, &request).await, Value::Null);
    let edited = json!({ "command": "rm -r build/tmp", "timeout": 1.5 });
    answer(&person, json!({ "selectedOption": "approve", "editedArgs": edited })).await;
    let allowed = json!({ "behavior": "allow", "updatedInput": edited });
    assert_eq!(decision(&agent, &request).await["decision"], allowed);
}

#[tokio::test]
async fn a_tool_use_with_an_id_keeps_its_answer() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let used = with_id(hook("PreToolUse", "ls"));
    let open = decision(&agent, &used).await;
    assert_eq!(
        (&open["permissionDecision"], &open["permissionDecisionReason"]),
        (&json!("ask"), &json!("Not answered yet."))
    );
    let deferred = format!("{CLAUDE_CODE}?channel={}&timeout=30&mode=defer", agent.channel);
    let open = agent.post(&deferred, used.clone()).await.expect(200)["hookSpecificOutput"].clone();
    assert_eq!(open["permissionDecision"], "defer");
    answer(&person, json!({ "selectedOption": "approve" })).await;
    for _ in 0..3 {
        assert_eq!(decision(&agent, &used).await["permissionDecision"], "allow");
    }
    // Its approval is used up for all others.
    let message = agent.get_in_channel("/api/v1/messages").await.expect(200)["data"][0].clone();
    let consume = format!("/api/v1/reviews/{}/consume", message["id"].as_str().unwrap());
    let digest = &message["review"]["decision"]["actionDigest"];
    agent.post(&consume, json!({ "actionDigest": digest })).await.expect_error(409, "already_consumed");
    let other = decision(&agent, &with_id(hook("PreToolUse", "ls -l"))).await;
    assert_eq!(other["permissionDecision"], "ask");
}

#[tokio::test]
async fn expired_and_cancelled_questions_deny() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let used = with_id(hook("PreToolUse", "ls"));
    decision(&agent, &used).await;
    let id = pending(&person).await;
    agent.cancel(&id, json!({ "reason": "plans changed" })).await.expect(200);
    let denied = decision(&agent, &used).await;
    assert_eq!(denied["permissionDecision"], "deny");
    assert_eq!(denied["permissionDecisionReason"], "The request was withdrawn: plans changed");
    let late = hook("PermissionRequest", "ls");
    decision(&agent, &late).await;
    world.advance_clock(Duration::from_secs(25 * 3600));
    assert_eq!(decision(&agent, &late).await["decision"]["message"], "Nobody answered in time.");
}

/// Calls a hook with an `Idempotency-Key`.
async fn keyed(agent: &Agent, hook: &Value, key: &str) -> Value {
    let path = format!("{CLAUDE_CODE}?channel={}&timeout=30", agent.channel);
    Reply::fetch(agent.request(Method::POST, &path).header("Idempotency-Key", key).json(hook)).await.expect(200)
}

#[tokio::test]
async fn one_of_equal_calls_at_once_is_allowed() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let request = hook("PermissionRequest", "ls");
    decision(&agent, &request).await;
    answer(&person, json!({ "selectedOption": "approve" })).await;
    let keys: Vec<String> = (0..8).map(|key| format!("call-{key}")).collect();
    let replies = join_all(keys.iter().map(|key| keyed(&agent, &request, key))).await;
    assert_eq!(replies.iter().filter(|reply| **reply != json!({})).count(), 1, "the answer is handed out once");
    pending(&person).await;
}

#[tokio::test]
async fn a_repeat_of_a_call_gets_the_answer_that_was_lost() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let request = hook("PermissionRequest", "ls");
    decision(&agent, &request).await;
    answer(&person, json!({ "selectedOption": "approve" })).await;
    for _ in 0..2 {
        let allowed = keyed(&agent, &request, "one").await;
        assert_eq!(allowed["hookSpecificOutput"]["decision"]["behavior"], "allow");
    }
    assert_eq!(keyed(&agent, &request, "two").await, json!({}));
}

#[tokio::test]
async fn codex_is_answered_in_the_same_terms() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let path = "/api/v1/hooks/codex";
    let request = hook("PermissionRequest", "ls");
    assert_eq!(ask(&agent, path, &request).await.expect(200), json!({}));
    answer(&person, json!({ "selectedOption": "approve" })).await;
    let allowed = ask(&agent, path, &request).await.expect(200);
    assert_eq!(allowed["hookSpecificOutput"]["decision"]["behavior"], "allow");
}

#[tokio::test]
async fn what_is_no_hook_is_an_error_and_allows_nothing() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, stranger) = (person.agent().await, world.person().await.agent().await);
    let refused = ask(&agent, CLAUDE_CODE, &json!({ "hook_event_name": "Stop", "tool_input": [] })).await;
    assert_eq!(refused.expect_invalid(), ["hook_event_name", "tool_name", "tool_input"]);
    let inexact = r#"{"hook_event_name":"PreToolUse","tool_name":"x","tool_input":{"n":12345678901234567890123}}"#;
    let request = agent.request(Method::POST, &format!("{CLAUDE_CODE}?channel={}", agent.channel));
    let refused = Reply::fetch(request.header("Content-Type", "application/json").body(inexact)).await.expect(400);
    assert_eq!(refused["errors"][0]["code"], "number_not_exact");
    let huge = hook("PreToolUse", &"x".repeat(33 * 1024));
    ask(&agent, CLAUDE_CODE, &huge).await.expect_error(413, "too_large");
    ask(&agent.with_channel(&stranger.channel), CLAUDE_CODE, &hook("PreToolUse", "ls"))
        .await
        .expect_error(403, "not_your_agent");
    let mode = format!("{CLAUDE_CODE}?mode=allow");
    agent.post(&mode, hook("PreToolUse", "ls")).await.expect_error(400, "validation_failed");
    ask(&agent.with_key("hp_x"), CLAUDE_CODE, &hook("PreToolUse", "ls")).await.expect_error(401, "unauthorized");
    assert_eq!(person.get("/api/messages/reviews").await.expect(200), json!([]));
}

#[tokio::test]
async fn deleting_a_used_question_leaves_the_open_one_as_it_is() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let request = hook("PermissionRequest", "rm -r build");
    decision(&agent, &request).await;
    let used = pending(&person).await;
    answer(&person, json!({ "selectedOption": "approve" })).await;
    assert_eq!(decision(&agent, &request).await["decision"]["behavior"], "allow");
    decision(&agent, &request).await;
    let open = pending(&person).await;
    assert_ne!(open, used);

    agent.delete_in_channel(&format!("/api/v1/messages/{used}")).await.expect(200);
    decision(&agent, &request).await;
    assert_eq!(pending(&person).await, open, "nobody is asked twice");
    answer(&person, json!({ "selectedOption": "reject" })).await;
    assert_eq!(decision(&agent, &request).await["decision"]["behavior"], "deny");
    // With the last question its record is gone.
    agent.delete_in_channel(&format!("/api/v1/messages/{open}")).await.expect(200);
    decision(&agent, &request).await;
    assert_ne!(pending(&person).await, open);
}
