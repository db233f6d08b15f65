//! The changes that an answer may make to an act

use serde_json::{Value, json};
use test_support::World;

use super::{ask, faults, pairs, payment};

#[tokio::test]
async fn an_answer_edits_what_may_be_edited_and_nothing_else() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = ask(&agent, payment()).await;
    let answer = |option: &str, edited: Value| json!({ "selectedOption": option, "editedArgs": edited });
    for (response, expected) in [
        (
            answer("approve", json!({ "amount": 1, "to": "Eve", "note": null })),
            &[("editedArgs.to", "not_editable")][..],
        ),
        (answer("approve", json!({ "amount": 1, "note": null })), &[("editedArgs.to", "not_editable")]),
        (
            answer("approve", json!({ "amount": 1, "to": "Ada", "note": null, "t\u{43e}": "Eve" })),
            &[("editedArgs.t\u{43e}", "not_editable")],
        ),
        (answer("approve", json!({ "amount": "1", "to": "Ada" })), &[("editedArgs.amount", "type_changed")]),
        (
            answer("approve", json!({ "amount": 100_001, "to": "Ada", "note": 7 })),
            &[("editedArgs.amount", "schema_violation"), ("editedArgs.note", "schema_violation")],
        ),
        (answer("reject", json!({ "amount": 1, "to": "Ada" })), &[("editedArgs", "not_offered")]),
        (answer("approve", json!([])), &[("editedArgs", "not_an_object")]),
    ] {
        let reply = person.answer(&id, response.clone()).await;
        let expected: Vec<_> = expected.iter().map(|(path, code)| (format!("response.{path}"), *code)).collect();
        let expected: Vec<_> = expected.iter().map(|(path, code)| (path.as_str(), *code)).collect();
        assert_eq!(faults(&reply), pairs(&expected), "{response}");
    }
    let message = person.answer(&id, answer("approve", json!({ "amount": 1, "to": "Eve" }))).await.json();
    assert!(message["message"].as_str().unwrap().contains("/to"), "{message}");

    let edited = json!({ "amount": 99_999.5, "to": "Ada", "note": "later" });
    person.answer(&id, answer("approve", edited.clone())).await.expect(201);
    let review = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
    let decision = &review["decision"];
    assert_eq!(decision["action"], json!({ "name": "pay", "args": edited }));
    assert_eq!((&decision["effect"], &decision["decidedBy"]), (&json!("allow"), &review["respondedBy"]));
    assert_eq!(decision["decidedAt"], review["completedAt"]);
    assert_ne!(decision["actionDigest"], review["actionDigest"]);
    assert_eq!(review["action"], payment());
}

#[tokio::test]
async fn a_denial_is_a_decision_too() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = ask(&agent, payment()).await;
    let response = json!({ "selectedOption": "reject", "comment": "no" });
    let review = person.answer(&id, response).await.expect(201)["review"].clone();
    assert_eq!(review["decision"]["effect"], "deny");
    assert_eq!(review["decision"]["actionDigest"], review["actionDigest"]);
}

#[tokio::test]
async fn the_effect_is_that_of_the_option_and_not_of_its_label() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let options =
        json!([{ "id": 1, "label": "Go", "effect": "allow" }, { "id": "yes", "label": "Approve" }, "approve"]);
    for (chosen, effect) in [(json!("1"), "allow"), (json!("yes"), "deny"), (json!("approve"), "allow")] {
        let review = json!({ "type": "approval", "payload": { "options": options }, "action": payment() });
        let id = agent.create_message(json!({ "review": review })).await;
        let review = person.answer(&id, json!({ "selectedOption": chosen })).await.expect(201)["review"].clone();
        assert_eq!(review["decision"]["effect"], effect, "{chosen}");
    }
}

#[tokio::test]
async fn an_answer_has_one_meaning_only() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = ask(&agent, json!({ "name": "x", "args": { "n": 1 }, "editable": [""] })).await;
    for (response, path, code) in [
        (r#"{"selectedOption":"reject","selectedOption":"approve"}"#, "response.selectedOption", "duplicate_name"),
        (
            r#"{"selectedOption":"approve","editedArgs":{"n":1},"editedArgs":{}}"#,
            "response.editedArgs",
            "duplicate_name",
        ),
        (r#"{"selectedOption":"approve","editedArgs":{"n":1,"n":2}}"#, "response.editedArgs.n", "duplicate_name"),
        (
            r#"{"selectedOption":"approve","editedArgs":{"n":9007199254740993}}"#,
            "response.editedArgs.n",
            "number_not_exact",
        ),
    ] {
        let request = person.request(reqwest::Method::POST, &format!("/api/messages/{id}/respond"));
        let request = request.header("content-type", "application/json").body(format!(r#"{{"response":{response}}}"#));
        assert_eq!(faults(&test_support::Reply::fetch(request).await), pairs(&[(path, code)]), "{response}");
    }
    // A number that is sent as it was written comes back as it was written.
    let body = r#"{"response":{"selectedOption":"approve","editedArgs":{"n":1.50e1},"other":9007199254740993}}"#;
    let request = person.request(reqwest::Method::POST, &format!("/api/messages/{id}/respond"));
    let reply = test_support::Reply::fetch(request.header("content-type", "application/json").body(body)).await;
    reply.expect(201);
    assert!(reply.text().contains(r#""action":{"name":"x","args":{"n":1.50e1}}"#), "{}", reply.text());
}

#[tokio::test]
async fn every_argument_can_be_editable_and_a_pointer_may_name_what_is_absent() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let answer = |edited: Value| json!({ "selectedOption": "approve", "editedArgs": edited });
    let id = ask(&agent, json!({ "name": "Bash", "args": { "command": "ls" }, "editable": [""] })).await;
    person.answer(&id, answer(json!({ "command": "ls -l", "timeout": 5 }))).await.expect(201);
    let id = ask(&agent, json!({ "name": "Bash", "args": { "command": "ls" }, "editable": ["/timeout"] })).await;
    person.answer(&id, answer(json!({ "command": "ls", "timeout": 5 }))).await.expect(201);
    let id = ask(&agent, json!({ "name": "Bash", "args": { "command": "ls" } })).await;
    let refused = person.answer(&id, answer(json!({ "command": "rm" }))).await;
    assert_eq!(faults(&refused), pairs(&[("response.editedArgs.command", "not_editable")]));
    // The same arguments in another order are no edit.
    person.answer(&id, answer(json!({ "command": "ls" }))).await.expect(201);
}

#[tokio::test]
async fn more_changes_than_a_history_can_name_are_refused_and_the_message_can_be_deleted() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let name = "n".repeat(2_000);
    let numbers = |count: usize| json!({ &name: (0..count).map(|_| 7).collect::<Vec<_>>() });
    let id = ask(&agent, json!({ "name": "x", "args": numbers(4_000), "editable": [""] })).await;
    let answer = |count: usize| json!({ "selectedOption": "approve", "editedArgs": numbers(count) });
    let refused = person.answer(&id, answer(10)).await;
    assert_eq!(faults(&refused), pairs(&[("response.editedArgs", "too_many_changes")]));
    person.answer(&id, answer(3_990)).await.expect(201);
    agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    let history = person.get(&format!("/api/messages/{id}/history")).await.expect(200);
    let edits = |entry: &Value| entry["edits"].as_array().map(Vec::len);
    assert_eq!(history["entries"].as_array().unwrap().iter().find_map(edits), Some(10), "{history}");
}
