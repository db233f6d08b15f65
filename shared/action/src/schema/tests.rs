use super::*;
use serde_json::json;

fn violations(schema: &Value, args: &Value) -> Result<Vec<String>, String> {
    let violations = Schema::new(schema)?.violations(args);
    Ok(violations.into_iter().map(|it| format!("{}: {}", it.pointer, it.message)).collect())
}

#[test]
fn each_violation_is_named_with_its_place() {
    let schema = json!({
        "type": "object",
        "properties": { "amount": { "type": "number", "maximum": 100 }, "to": { "$ref": "#/$defs/name" } },
        "required": ["to"],
        "$defs": { "name": { "type": "string", "pattern": "^[A-Z]" } }
    });
    assert_eq!(violations(&schema, &json!({ "amount": 1, "to": "Ada" })), Ok(vec![]));
    let found = violations(&schema, &json!({ "amount": 820, "to": "ada" })).unwrap_or_default();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|it| it.starts_with("/amount: value is greater")), "{found:?}");
}

#[test]
fn nothing_is_fetched_and_no_reference_goes_without_end() {
    for schema in [
        json!({ "$ref": "https://example.com/schema.json" }),
        json!({ "$ref": "file:///etc/passwd" }),
        json!({ "properties": { "a": { "$ref": "other.json#/x" } } }),
        json!({ "$ref": "#/nowhere" }),
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#/$defs/a" }], "$defs": { "a": { "anyOf": [{ "$ref": "#/$defs/a" }] } } }),
        json!({ "$dynamicRef": "#x" }),
        json!("text"),
        json!({ "type": "nothing" }),
        json!({ "pattern": "(" }),
        json!({ "properties": 1 }),
    ] {
        assert!(Schema::new(&schema).is_err(), "{schema}");
    }
}

#[test]
fn recursion_over_the_arguments_is_fine_and_doubling_is_not() {
    let tree = json!({
        "type": "object",
        "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" }, "list": { "items": { "$ref": "#" } } }
    });
    assert!(Schema::new(&tree).is_ok());
    let anchored = json!({ "$ref": "#node", "$defs": { "n": { "$anchor": "node", "items": { "$ref": "#node" } } } });
    assert!(Schema::new(&anchored).is_ok());
    let per_level = json!({
        "allOf": [{ "properties": { "a": { "$ref": "#" } } }, { "properties": { "a": { "$ref": "#" } } }]
    });
    assert!(Schema::new(&per_level).is_err());
    let mut defs = Map::new();
    for level in 0..60 {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        defs.insert(format!("d{level}"), json!({ "allOf": [next, next] }));
    }
    defs.insert("d60".to_owned(), json!(true));
    assert!(Schema::new(&json!({ "$ref": "#/$defs/d0", "$defs": defs })).is_err());
}

#[test]
fn the_work_on_all_values_is_bounded() {
    let choices: Vec<Value> = (0..1_000).map(|_| json!({ "type": "null" })).collect();
    let schema = json!({ "items": { "anyOf": choices } });
    let of = |count: usize| violations(&schema, &json!(vec![0; count])).unwrap_or_default();
    assert_eq!(of(10).len(), 10);
    assert_eq!(of(8_000), [": the schema is too complex for arguments with this many values"]);
    let plain = json!({ "items": { "type": "integer", "maximum": 10 } });
    assert_eq!(violations(&plain, &json!(vec![0; 16_000])), Ok(vec![]));
}

#[test]
fn patterns_take_linear_time() {
    let schema = json!({ "type": "string", "pattern": "^(a+)+$" });
    let began = std::time::Instant::now();
    let found = violations(&schema, &json!(format!("{}b", "a".repeat(30_000)))).unwrap_or_default();
    assert_eq!(found.len(), 1);
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}
