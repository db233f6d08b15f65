//! The payload and the answers of each review type.

use serde_json::{Value, json};
use test_support::{Agent, Person, World};

/// Creates `review`, sends each answer of `wrong`, which is refused, then `right`; returns the
/// response that the agent gets.
async fn answer_review(agent: &Agent, person: &Person, review: Value, wrong: &[(Value, &str)], right: Value) -> Value {
    let id = agent.create_message(json!({ "review": review })).await;
    for (response, field) in wrong {
        assert_eq!(
            person.answer(&id, response.clone()).await.expect_invalid(),
            [format!("response.{field}")],
            "{response}"
        );
    }
    person.answer(&id, right.clone()).await.expect(201);
    agent.wait(&id, 5_000).await.expect(200)["message"]["review"]["response"].clone()
}

#[tokio::test]
async fn an_approval_takes_an_option_that_was_offered() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = json!({ "type": "approval", "payload": { "allowComment": false, "options": [
        { "id": "ship", "label": "Ship it", "style": "primary" }, { "id": "hold", "label": "Hold" },
    ] } });
    let wrong = [
        (json!({ "selectedOption": "approve" }), "selectedOption"),
        (json!({}), "selectedOption"),
        (json!({ "selectedOption": "ship", "comment": "no comments here" }), "comment"),
    ];
    let right = json!({ "selectedOption": "hold" });
    assert_eq!(answer_review(&agent, &person, review, &wrong, right.clone()).await, right);
}

#[tokio::test]
async fn a_selection_enforces_its_minimum_and_maximum() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = |mode: &str| {
        let items = json!([{ "id": "a", "label": "A" }, { "id": "b", "label": "B", "description": "second" }]);
        json!({ "type": "selection", "payload": { "mode": mode, "items": items } })
    };
    let ids = |ids: Value| json!({ "selectedIds": ids });
    let wrong = [
        (json!({}), "selectedIds"),
        (ids(json!([])), "selectedIds"),
        (ids(json!(["a", "b"])), "selectedIds"),
        (ids(json!(["c"])), "selectedIds"),
    ];
    answer_review(&agent, &person, review("single"), &wrong, ids(json!(["a"]))).await;
    let wrong = [
        (ids(json!(["a", "a"])), "selectedIds"),
        (ids(json!(["a", 1])), "selectedIds"),
        (ids(json!([])), "selectedIds"),
    ];
    answer_review(&agent, &person, review("multi"), &wrong, ids(json!(["b", "a"]))).await;
}

#[tokio::test]
async fn a_text_has_its_lengths_in_characters() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = json!({ "type": "text-input", "payload": { "minLength": 2, "maxLength": 3 } });
    let wrong = [
        (json!({ "text": "é" }), "text"),
        (json!({ "text": "éééé" }), "text"),
        (json!({ "text": 12 }), "text"),
        (json!({}), "text"),
    ];
    answer_review(&agent, &person, review, &wrong, json!({ "text": "ééé" })).await;
}

#[tokio::test]
async fn a_form_can_be_dismissed_only_where_it_allows_it() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let form = |dismiss: Value| {
        let fields = json!([{ "name": "host", "type": "text", "required": true }]);
        json!({ "type": "form", "payload": { "fields": fields, "dismissLabel": dismiss } })
    };
    let wrong = [(json!({ "_dismissed": true }), "_dismissed"), (json!({ "host": "" }), "host")];
    answer_review(&agent, &person, form(Value::Null), &wrong, json!({ "host": "db1" })).await;
    let wrong =
        [(json!({ "_dismissed": false }), "_dismissed"), (json!({ "_dismissed": true, "host": "x" }), "_dismissed")];
    answer_review(&agent, &person, form(json!("Not now")), &wrong, json!({ "_dismissed": true })).await;
}

#[tokio::test]
async fn a_password_is_for_the_agent_alone() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let fields = json!([{ "name": "user", "type": "text" }, { "name": "pass", "type": "password" }]);
    let other = agent.request_approval().await;
    let id = agent.create_message(json!({ "review": { "type": "form", "payload": { "fields": fields } } })).await;
    let (held, answered) = tokio::join!(agent.wait(&id, 20_000), async {
        // Takes long enough for the first wait to be held.
        agent.wait(&other, 500).await.expect(200);
        person.answer(&id, json!({ "user": "me", "pass": "hunter22" })).await
    });
    let redacted = json!({ "user": "me", "pass": "***REDACTED***" });
    assert_eq!(answered.expect(201)["review"]["response"], redacted);
    let listed = person.get("/api/messages/reviews?status=completed").await.expect(200);
    assert_eq!(listed[0]["review"]["response"], redacted);
    let channel = person.get(&format!("/api/messages?channel={}", agent.channel)).await.expect(200);
    assert_eq!(channel["data"][0]["review"]["response"], redacted);
    assert!(!person.get(&format!("/reviews/{id}")).await.text().contains("hunter22"));
    for waited in [held, agent.wait(&id, 5_000).await] {
        assert_eq!(waited.expect(200)["message"]["review"]["response"]["pass"], "hunter22");
    }
}

#[tokio::test]
async fn freeform_and_unknown_types_take_any_object() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let anything = json!({ "": [1, { "deep": null }], "selectedOption": 3 });
    for kind in ["freeform", "vote", "Approval"] {
        let review = json!({ "type": kind, "payload": { "options": 1 } });
        assert_eq!(answer_review(&agent, &person, review, &[], anything.clone()).await, anything);
    }
}

#[tokio::test]
async fn a_known_types_payload_must_have_its_shape() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (kind, payload, wrong) in [
        (
            "approval",
            json!({ "options": [{ "id": "a" }, { "id": "a", "label": "A", "style": "loud" }] }),
            vec!["options.0.label", "options.1.style"],
        ),
        ("approval", json!({ "options": [{ "id": "a", "label": "A" }, { "id": "a", "label": "B" }] }), vec!["options"]),
        ("selection", json!({ "mode": "some", "items": [] }), vec!["mode", "items"]),
        ("selection", json!({}), vec!["mode", "items"]),
        (
            "form",
            json!({ "fields": [{ "name": "a", "type": "colour" }, { "type": "text" }] }),
            vec!["fields.0.type", "fields.1.name"],
        ),
        ("form", json!({ "fields": [{ "name": "a", "type": "select" }] }), vec!["fields.0.options"]),
        ("form", json!({ "fields": [{ "name": "a", "type": "number", "min": "1" }] }), vec!["fields.0.min"]),
        ("text-input", json!({ "minLength": 5, "maxLength": 4 }), vec!["maxLength"]),
        ("text-input", json!({ "minLength": -1, "markdown": "yes" }), vec!["markdown", "minLength"]),
    ] {
        let named = agent.send(json!({ "review": { "type": kind, "payload": payload } })).await.expect_invalid();
        let expected: Vec<String> = wrong.iter().map(|field| format!("review.payload.{field}")).collect();
        assert_eq!(named, expected, "{kind}");
    }
}

#[tokio::test]
async fn an_id_is_compared_exactly_as_it_was_given() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let review = json!({ "type": "approval", "payload": { "options": [{ "id": " ok ", "label": "OK" }] } });
    let wrong = [(json!({ "selectedOption": "ok" }), "selectedOption")];
    answer_review(&agent, &person, review, &wrong, json!({ "selectedOption": " ok " })).await;
}
