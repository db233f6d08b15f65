//! Corrects derived schemas: a nullable field of a response is always present.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{Components, RefOr, Schema};

/// Makes nullable fields required in schemas that occur only in responses.
pub fn require_nullable(paths: &Paths, components: &mut Components) {
    let paths = serde_json::to_value(paths).expect("paths are JSON");
    let schemas = serde_json::to_value(&components.schemas).expect("schemas are JSON");
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for operation in
        paths.as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object().into_iter().flatten())
    {
        collect_references(&operation.1["requestBody"], &schemas, &mut sent);
        collect_references(&operation.1["parameters"], &schemas, &mut sent);
        collect_references(&operation.1["responses"], &schemas, &mut answered);
    }
    for name in answered.difference(&sent) {
        if let Some(RefOr::T(schema)) = components.schemas.get_mut(name) {
            require_in(schema, &schemas[name]);
        }
    }
}

fn require_in(schema: &mut Schema, json: &Value) {
    match schema {
        Schema::Object(object) => {
            for (name, property) in json["properties"].as_object().into_iter().flatten() {
                if is_nullable(property) && !object.required.contains(name) {
                    object.required.push(name.clone());
                }
            }
        }
        Schema::AllOf(all) => {
            for (part, json) in all.items.iter_mut().zip(json["allOf"].as_array().into_iter().flatten()) {
                if let RefOr::T(part) = part {
                    require_in(part, json);
                }
            }
        }
        _ => {}
    }
}

fn is_nullable(property: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null";
    let by_type = property["type"].as_array().is_some_and(|all| all.iter().any(is_null));
    by_type || property["oneOf"].as_array().is_some_and(|all| all.iter().any(|it| is_null(&it["type"])))
}

/// Collects the names of the schemas that `value` references, directly or indirectly.
fn collect_references(value: &Value, schemas: &Value, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match (key.as_str(), member.as_str()) {
                    ("$ref", Some(reference)) => {
                        let name = super::schema_name(reference);
                        if seen.insert(name.to_owned()) {
                            collect_references(&schemas[name], schemas, seen);
                        }
                    }
                    _ => collect_references(member, schemas, seen),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, schemas, seen)),
        _ => {}
    }
}
