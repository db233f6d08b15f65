//! Review types and payloads that are almost valid: accepted with a warning where the meaning is clear.

use serde_json::{Value, json};
use test_support::World;

#[tokio::test]
async fn a_near_miss_of_a_known_type_becomes_it_with_a_warning() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let items = json!({ "mode": "single", "items": [{ "id": "a", "label": "A" }] });
    for (given, payload, known, response) in [
        ("Approval", Value::Null, "approval", json!({ "selectedOption": "approve" })),
        ("text_input", json!({ "prefill": "Dear" }), "text-input", json!({ "text": "Dear" })),
        ("TextInput", Value::Null, "text-input", json!({ "text": "" })),
        ("text input", Value::Null, "text-input", json!({ "text": "x" })),
        ("SELECTION", items, "selection", json!({ "selectedIds": ["a"] })),
        ("Form", json!({ "fields": [{ "name": "n", "type": "Date-Time" }] }), "form", json!({})),
        ("Free_Form", json!({ "any": 1 }), "freeform", json!({ "any": 1 })),
    ] {
        let body = json!({ "text": "q", "clientId": given, "review": { "type": given, "payload": payload } });
        let sent = agent.send(body.clone()).await.expect(201);
        assert_eq!(sent["review"]["type"], known, "{given}");
        assert_eq!(sent["warnings"][0]["path"], json!(["review", "type"]));
        assert_eq!(sent["warnings"][0]["code"], "near_miss");
        let message = sent["warnings"][0]["message"].as_str().unwrap();
        assert!(message.contains(given) && message.contains(known), "{message}");
        // A repeated call has the same warnings; reading the message later has none.
        assert_eq!(agent.send(body).await.expect(201)["warnings"], sent["warnings"]);
        let id = sent["id"].as_str().unwrap();
        assert!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200).get("warnings").is_none());
        person.answer(id, response.clone()).await.expect(201);
        assert_eq!(agent.wait(id, 5_000).await.expect(200)["message"]["review"]["response"], response);
    }
    let field = agent.send(
        json!({ "review": { "type": "form", "payload": { "fields": [{ "name": "n", "type": "datetime-local" }] } } }),
    );
    let warned = field.await.expect(201)["warnings"][0].clone();
    assert_eq!(warned["path"], json!(["review", "payload", "fields", 0, "type"]));
}

#[tokio::test]
async fn a_near_miss_whose_payload_does_not_fit_stays_freeform_with_a_warning() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (given, payload) in [
        ("Approval", json!({ "options": 1 })),
        ("SELECTION", json!({ "mode": "some", "items": [] })),
        ("FORM", json!({ "fields": [{ "name": "n", "type": "number", "min": 2, "max": 1 }] })),
        ("Text_Input", json!({ "minLength": "three" })),
    ] {
        let sent =
            agent.send(json!({ "text": "q", "review": { "type": given, "payload": payload } })).await.expect(201);
        assert_eq!((&sent["review"]["type"], &sent["review"]["payload"]), (&json!(given), &payload));
        assert_eq!(sent["warnings"][0]["code"], "payload_does_not_fit", "{given}");
        person.answer(sent["id"].as_str().unwrap(), json!({ "anything": [1] })).await.expect(201);
    }
    // An exact type name requires a valid payload, and an unrelated name is no near miss.
    agent.send(json!({ "review": { "type": "approval", "payload": { "options": 1 } } })).await.expect_invalid();
    let sent = agent.send(json!({ "review": { "type": "vote", "payload": { "options": 1 } } })).await.expect(201);
    assert!(sent.get("warnings").is_none());
}

#[tokio::test]
async fn options_may_be_strings_and_numbers() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let options = json!({ "title": "t", "options": ["approve", 2, { "id": 3, "label": "Three" }] });
    for (typed, value) in [("approve", json!("approve")), ("2", json!("2")), ("3", json!(3))] {
        let review = json!({ "type": "approval", "payload": options });
        let id = agent.create_message(json!({ "text": "q", "review": review })).await;
        assert_eq!(person.submit_form(&format!("/reviews/{id}"), &[("option", typed)]).await.status, 303);
        let shown = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
        assert_eq!(shown["response"], json!({ "selectedOption": value }));
        assert_eq!(shown["payload"], options, "unknown members are kept");
        let id = agent.create_message(json!({ "review": review })).await;
        person
            .answer(&id, json!({ "selectedOption": typed.parse::<u64>().map_or(json!(typed), Value::from) }))
            .await
            .expect(201);
        assert_eq!(agent.wait(&id, 5_000).await.expect(200)["message"]["review"]["response"]["selectedOption"], value);
    }
    let wrong = [json!([""]), json!(["a", "a"]), json!([1, "1"]), json!([null]), json!([["a"]]), json!("a")];
    for options in wrong {
        let review = json!({ "type": "approval", "payload": { "options": options } });
        assert_eq!(agent.send(json!({ "review": review })).await.expect_invalid().len(), 1, "{options}");
    }
}

#[tokio::test]
async fn a_selection_may_name_options_and_multiple() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (multiple, chosen) in [(false, json!(["a"])), (true, json!(["b", "a"]))] {
        let payload = json!({ "prompt": "p", "options": [{ "id": "a", "label": "A" }, "b"], "multiple": multiple });
        let id =
            agent.create_message(json!({ "text": "q", "review": { "type": "selection", "payload": payload } })).await;
        let both = json!({ "selectedIds": ["a", "b"] });
        if !multiple {
            assert_eq!(person.answer(&id, both).await.expect_invalid(), ["response.selectedIds"]);
        }
        person.answer(&id, json!({ "selectedIds": chosen })).await.expect(201);
        let review = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
        assert_eq!((&review["response"]["selectedIds"], &review["payload"]), (&chosen, &payload));
    }
    for (payload, wrong) in [
        (json!({ "options": [], "multiple": true }), vec!["options"]),
        (json!({ "options": ["a"], "multiple": "yes" }), vec!["multiple"]),
        (json!({ "mode": "single", "items": [], "options": ["a"] }), vec!["items"]),
    ] {
        let named = agent.send(json!({ "review": { "type": "selection", "payload": payload } })).await.expect_invalid();
        let expected: Vec<String> = wrong.iter().map(|name| format!("review.payload.{name}")).collect();
        assert_eq!(named, expected);
    }
}
