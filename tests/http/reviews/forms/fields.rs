//! Which field definitions are valid, and the errors of others.

use serde_json::json;

use super::FormTester;

#[tokio::test]
async fn an_unanswerable_form_is_refused_when_it_is_created() {
    let tester = FormTester::start().await;
    for (field, place) in [
        (json!({ "type": "number", "step": 5, "defaultValue": 12 }), "defaultValue"),
        (json!({ "type": "number", "min": 1, "step": 10, "defaultValue": 50 }), "defaultValue"),
        (json!({ "type": "number", "max": 5, "defaultValue": 6 }), "defaultValue"),
        (json!({ "type": "number", "defaultValue": "many" }), "defaultValue"),
        (json!({ "type": "range", "defaultValue": 200 }), "defaultValue"),
        (json!({ "type": "number", "min": 5, "max": 4 }), "max"),
        (json!({ "type": "range", "min": 150 }), "max"),
        (json!({ "type": "number", "step": 0 }), "step"),
        (json!({ "type": "number", "step": -1 }), "step"),
        (json!({ "type": "date", "step": 0.5 }), "step"),
        (json!({ "type": "date", "min": "tomorrow" }), "min"),
        (json!({ "type": "time", "max": "25:00" }), "max"),
        (json!({ "type": "datetime", "min": 1_790_000_000 }), "min"),
        (json!({ "type": "date", "min": "2026-12-02", "max": "2026-12-01" }), "max"),
        (json!({ "type": "datetime", "min": "2026-12-01T09:00:00Z", "max": "2026-12-01T10:00:00+02:00" }), "max"),
        (json!({ "type": "date", "defaultValue": "soon" }), "defaultValue"),
        (json!({ "type": "date", "min": "2026-12-02", "defaultValue": "2026-12-01T23:00:00Z" }), "defaultValue"),
        (json!({ "type": "time", "min": "22:00", "max": "06:00", "defaultValue": "12:00" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a"], "defaultValue": "b" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a", "b"], "defaultValue": ["a", "b"] }), "defaultValue"),
        (json!({ "type": "select", "multiple": true, "options": ["a"], "defaultValue": ["a", "b"] }), "defaultValue"),
        (json!({ "type": "checkbox", "defaultValue": "perhaps" }), "defaultValue"),
        (json!({ "type": "select", "options": ["a", "a"] }), "options"),
        (json!({ "type": "select", "options": [1, "1"] }), "options"),
        (json!({ "type": "radio" }), "options"),
        (json!({ "type": "select", "required": true, "options": [{ "value": "", "label": "-" }] }), "options"),
        (json!({ "type": "select", "options": ["a", { "label": "B" }] }), "options.1"),
    ] {
        assert_eq!(tester.field_errors(field.clone()).await, [place], "{field}");
    }
    for name in ["_dismissed", "__proto__"] {
        let fields = json!({ "fields": [{ "name": name, "type": "text" }] });
        assert_eq!(tester.payload_errors("form", fields).await, ["fields.0.name"], "{name}");
    }
    let twice = json!({ "fields": [{ "name": "a", "type": "text" }, { "name": "a", "type": "text" }] });
    assert_eq!(tester.payload_errors("form", twice).await, ["fields"]);
    assert_eq!(tester.payload_errors("text-input", json!({ "minLength": 70_000 })).await, ["minLength"]);
    let reason = tester.agent.send(json!({ "review": { "type": "form", "payload": { "fields": [
        { "name": "n", "type": "number", "min": 1, "step": 10, "defaultValue": 50 }
    ] } } }));
    let reason = reason.await.expect_error(400, "validation_failed")["errors"][0]["message"].clone();
    assert_eq!(reason, "defaultValue must lie on a step of 10: the nearest are 41 and 51");
}

#[tokio::test]
async fn a_default_may_be_any_rfc_3339_moment() {
    let tester = FormTester::start().await;
    for (kind, default, shown) in [
        ("date", "2026-12-24T00:00:00.000Z", "2026-12-24"),
        ("date", "2026-12-24", "2026-12-24"),
        ("time", "2026-12-24T18:30:00Z", "18:30"),
        ("time", "18:30:05", "18:30:05"),
        ("datetime", "2026-12-24T18:30:00Z", "2026-12-24T18:30"),
        ("datetime", "2026-12-24T18:30:00.000+02:00", "2026-12-24T16:30"),
        ("datetime", "2026-12-24 18:30", "2026-12-24T18:30"),
    ] {
        let id = tester.create_field(json!({ "type": kind, "defaultValue": default })).await;
        let page = tester.page(&id).await;
        assert!(page.contains(&format!("name=\"field.n\" dir=\"auto\" value=\"{shown}\"")), "{default}: {page}");
        let expected = if kind == "datetime" { format!("{shown}:00Z") } else { shown.to_owned() };
        let sent = tester.submit(&id, &[("field.n", shown), ("zone.n", "Z")]).await;
        assert_eq!(sent, json!({ "n": expected }));
    }
}

#[tokio::test]
async fn an_empty_label_falls_back_to_the_name() {
    let tester = FormTester::start().await;
    for label in ["", "   ", "\u{200b}", "\u{2060}\u{feff}"] {
        let fields = json!([{ "name": "host", "type": "text", "label": label }]);
        let payload = json!({ "fields": fields, "submitLabel": label, "dismissLabel": label });
        let id =
            tester.agent.create_message(json!({ "text": "q", "review": { "type": "form", "payload": payload } })).await;
        let page = tester.page(&id).await;
        assert!(page.contains("<label dir=\"auto\">host") && page.contains(">Submit</span>"), "{page}");
        assert!(!page.contains("name=\"dismiss\""), "{page}");
    }
    let option = json!({ "options": [{ "id": "a", "label": "\u{200b}" }] });
    assert_eq!(tester.payload_errors("approval", option).await, ["options.0.label"]);
}

#[tokio::test]
async fn empty_values_of_form_builders_mean_absent() {
    let tester = FormTester::start().await;
    for kind in ["number", "date", "time", "datetime", "text", "checkbox"] {
        let field = json!({ "type": kind, "min": "", "max": "", "defaultValue": "", "placeholder": "", "step": "any" });
        tester.create_field(field).await;
    }
}
