use serde_json::json;

use super::*;

fn answers(name: &str, payload: Value, response: Value) -> Vec<&'static str> {
    let json = |value| Json::of(&value).ok();
    let kind = Kind::from_stored(name, json(payload).as_ref());
    match json(response).map(|response| checked(&kind, None, response)) {
        Some(Err(Error::Invalid(fields))) => fields.into_iter().map(|field| field.code).collect(),
        _ => vec![],
    }
}

#[test]
fn every_field_type_takes_its_own_values_only() {
    let cases = [
        ("text", json!({}), json!("a"), json!(1)),
        ("textarea", json!({}), json!("a\nb"), json!(["a"])),
        ("password", json!({}), json!("secret"), json!({})),
        ("number", json!({"min": 1, "max": 5}), json!(5), json!(5.5)),
        ("number", json!({"step": 0.1}), json!(0.3), json!(0.35)),
        ("range", json!({"min": 0, "max": 10, "step": 5}), json!(5), json!(6)),
        ("number", json!({}), json!(1e300), json!("1")),
        ("email", json!({}), json!("a@b.example"), json!("a b@c")),
        ("url", json!({}), json!("https://x.example/"), json!("x.example")),
        ("select", json!({"options": ["a", {"value": "b", "label": "B"}]}), json!("b"), json!("B")),
        ("checkbox", json!({"required": true}), json!(true), json!(false)),
        ("checkbox", json!({}), json!(false), json!("on")),
        ("date", json!({"min": "2026-01-01"}), json!("2026-02-28"), json!("2026-02-30")),
        ("date", json!({"min": "2026-01-01"}), json!("2026-01-01"), json!("2025-12-31")),
        ("time", json!({"max": "17:00"}), json!("09:30"), json!("17:30")),
        ("datetime", json!({}), json!("2026-01-31T09:30"), json!("2026-01-31")),
        ("datetime", json!({}), json!("2026-01-31T09:30:00Z"), json!("tomorrow")),
    ];
    for (kind, mut field, good, bad) in cases {
        field["name"] = json!("f");
        field["type"] = json!(kind);
        let payload = json!({"fields": [field]});
        assert!(answers("form", payload.clone(), json!({"f": good})).is_empty(), "{kind} takes {good}");
        assert_eq!(answers("form", payload, json!({"f": bad})).len(), 1, "{kind} refuses {bad}");
    }
}

#[test]
fn all_that_is_wrong_with_a_form_is_named_at_once() {
    let payload = json!({"fields": [
        {"name": "a", "type": "text", "required": true},
        {"name": "b", "type": "number"},
    ]});
    let wrong = answers("form", payload.clone(), json!({"b": "1", "c": 1}));
    assert_eq!(wrong, ["not_offered", "required", "not_a_number"]);
    assert_eq!(answers("form", payload, json!({"_dismissed": true})), ["not_offered"]);
}
