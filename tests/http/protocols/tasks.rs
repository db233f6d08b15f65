//! Reviews as tasks

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Runner, World};

use super::{TASKS, request};

fn capabilities() -> Value {
    json!({ "extensions": { TASKS: {} } })
}

/// Asks for an approval as a task.
async fn begin(agent: &Agent) -> Value {
    let arguments = json!({ "action": { "name": "deploy", "args": { "to": "production" } }, "waitInline": true });
    let params = json!({ "name": "request_approval", "arguments": arguments });
    request(agent, "tools/call", params, capabilities()).await.expect(200)["result"].clone()
}

async fn task(agent: &Agent, method: &str, id: &Value) -> Value {
    request(agent, method, json!({ "taskId": id, "inputResponses": {} }), capabilities()).await.expect(200)["result"]
        .clone()
}

#[tokio::test]
async fn a_task_outlives_its_process_and_has_the_answer_an_hour_later() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let begun = begin(&agent).await;
    assert_eq!((&begun["resultType"], &begun["status"]), (&json!("task"), &json!("working")));
    assert!(begun["ttlMs"].is_null() && begun["pollIntervalMs"].is_u64());
    world.advance_clock(Duration::from_secs(3600));
    // Another process has nothing but the table.
    let later = agent.at(&world.second_instance().await);
    let seen = task(&later, "tasks/get", &begun["taskId"]).await;
    assert_eq!((&seen["resultType"], &seen["status"]), (&json!("complete"), &json!("working")));
    assert_eq!(task(&later, "tasks/update", &begun["taskId"]).await["resultType"], "complete");
    person.answer(begun["taskId"].as_str().unwrap(), json!({ "selectedOption": "approve" })).await.expect(201);
    let done = task(&later, "tasks/get", &begun["taskId"]).await;
    assert_eq!((&done["status"], &done["createdAt"]), (&json!("completed"), &begun["createdAt"]));
    let result = &done["result"]["structuredContent"];
    assert_eq!((&result["effect"], &result["action"]["args"]["to"]), (&json!("allow"), &json!("production")));
}

#[tokio::test]
async fn a_task_of_a_runner_that_was_killed_is_there_again() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(&dir.path().join("data")).await;
    let begun = begin(&first.agent()).await;
    first.kill().await;
    let second = Runner::start(&dir.path().join("data")).await;
    let id = begun["taskId"].as_str().unwrap();
    second.person().await.answer(id, json!({ "selectedOption": "reject" })).await.expect(201);
    let done = task(&second.agent(), "tasks/get", &begun["taskId"]).await;
    // A person's no completes the task.
    assert_eq!(
        (&done["status"], &done["result"]["structuredContent"]["effect"]),
        (&json!("completed"), &json!("deny"))
    );
}

#[tokio::test]
async fn cancelling_a_task_withdraws_its_review() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = begin(&agent).await["taskId"].clone();
    for _ in 0..2 {
        assert_eq!(task(&agent, "tasks/cancel", &id).await["resultType"], "complete");
    }
    assert_eq!(task(&agent, "tasks/get", &id).await["status"], "cancelled");
    person
        .answer(id.as_str().unwrap(), json!({ "selectedOption": "approve" }))
        .await
        .expect_error(403, "review_cancelled");
    let decided = begin(&agent).await["taskId"].clone();
    person.answer(decided.as_str().unwrap(), json!({ "selectedOption": "approve" })).await.expect(201);
    task(&agent, "tasks/cancel", &decided).await;
    assert_eq!(task(&agent, "tasks/get", &decided).await["status"], "completed");
}

#[tokio::test]
async fn an_expired_review_completes_its_task() {
    let world = World::isolated().await;
    let agent = world.person().await.agent().await;
    let review = json!({ "type": "approval", "expiresInSeconds": 60 });
    let id = agent.create_message(json!({ "text": "?", "review": review })).await;
    let params = json!({ "name": "wait_for_review", "arguments": { "messageId": id } });
    let begun = request(&agent, "tools/call", params, capabilities()).await.expect(200)["result"].clone();
    assert_eq!((&begun["resultType"], &begun["taskId"]), (&json!("task"), &json!(id)));
    world.advance_clock(Duration::from_secs(61));
    let done = task(&agent, "tasks/get", &json!(id)).await;
    assert_eq!(
        (&done["status"], &done["result"]["structuredContent"]["status"]),
        (&json!("completed"), &json!("expired"))
    );
}

#[tokio::test]
async fn tasks_need_the_extension_and_belong_to_their_user() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let stranger = world.person().await.agent().await;
    let id = begin(&agent).await["taskId"].clone();
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let params = json!({ "taskId": id, "inputResponses": {} });
        let refused = request(&agent, method, params.clone(), json!({})).await.expect(400)["error"].clone();
        assert_eq!(refused["code"], -32021, "{method}");
        assert_eq!(refused["data"]["requiredCapabilities"], capabilities());
        let foreign = request(&stranger, method, params, capabilities()).await.expect(400);
        let unknown = request(&agent, method, json!({ "taskId": "x" }), capabilities()).await.expect(400);
        assert_eq!((&foreign["error"], &foreign["error"]["code"]), (&unknown["error"], &json!(-32602)), "{method}");
    }
    assert_eq!(task(&agent, "tasks/get", &id).await["status"], "working");
}
