//! Values that fit a schema, and calls that can be pasted into a shell.

use serde_json::{Map, Value, json};

use super::schema::Schemas;
use super::text;

/// Values nested deeper than this are empty.
const MAX_DEPTH: usize = 12;

/// A value that fits a schema, made of the schema's examples where it has some.
pub fn value(schema: &Value, schemas: &Schemas<'_>) -> Value {
    made(schema, schemas, false, 0)
}

/// A body with all required members and those that have an example.
pub fn input(content: &Value, schemas: &Schemas<'_>) -> Value {
    let own = content.get("example").or_else(|| content["examples"].as_object()?.values().next()?.get("value"));
    own.cloned().unwrap_or_else(|| made(&content["schema"], schemas, true, 0))
}

fn made(schema: &Value, schemas: &Schemas<'_>, sparse: bool, depth: usize) -> Value {
    let own = schema.get("example").or_else(|| schema["examples"].get(0)).or_else(|| schema.get("const"));
    if let Some(own) = own.or_else(|| schema.get("default")).or_else(|| schema["enum"].get(0)) {
        return own.clone();
    }
    if schema["$ref"].is_string() {
        return made(schemas.resolve(schema), schemas, sparse, depth + 1);
    }
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(all) = schema["allOf"].as_array() {
        let parts = all.iter().map(|part| made(part, schemas, sparse, depth + 1));
        let objects = parts.filter_map(|part| match part {
            Value::Object(object) => Some(object),
            _ => None,
        });
        return Value::Object(objects.flatten().collect());
    }
    if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array()) {
        let choice = choices.iter().find(|it| it["type"] != "null");
        return choice.map_or(Value::Null, |choice| made(choice, schemas, sparse, depth + 1));
    }
    let first =
        schema["type"].as_array().and_then(|all| all.iter().find(|it| *it != "null")).unwrap_or(&schema["type"]);
    match text(first) {
        "string" => json!("text"),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => json!([made(&schema["items"], schemas, sparse, depth + 1)]),
        "object" => object(schema, schemas, sparse, depth),
        _ => Value::Null,
    }
}

fn object(schema: &Value, schemas: &Schemas<'_>, sparse: bool, depth: usize) -> Value {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_wanted = |name: &str, property: &Value| {
        let has_own = ["example", "examples"].iter().any(|key| property.get(*key).is_some());
        !sparse || has_own || required.iter().any(|it| text(it) == name)
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    let members = properties.filter(|(name, property)| is_wanted(name, property));
    let members = members.map(|(name, property)| (name.clone(), made(property, schemas, sparse, depth + 1)));
    Value::Object(members.collect::<Map<_, _>>())
}

/// The parts of a call.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: String,
    /// The required parameters, with examples.
    pub query: Vec<(String, String)>,
    pub headers: Vec<String>,
    /// Media type and value of the body.
    pub body: Option<(&'a str, Value)>,
}

impl Call<'_> {
    /// The call as a `curl` command.
    pub fn curl(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let method = if self.method == "GET" { String::new() } else { format!("-X {} ", self.method) };
        let mut lines = vec![format!("curl {method}\"$PLACET_URL{}{query}\"", self.path)];
        lines.extend(self.headers.iter().map(|header| format!("-H \"{header}\"")));
        match &self.body {
            Some(("multipart/form-data", value)) => {
                let parts = value.as_object().into_iter().flatten();
                lines.extend(parts.map(|(name, value)| match name.as_str() {
                    "file" => "-F \"file=@report.md;type=text/markdown\"".to_owned(),
                    _ => format!("-F \"{name}={}\"", text(value)),
                }));
            }
            Some(("application/json", value)) => {
                lines.push("-H \"Content-Type: application/json\"".to_owned());
                lines.push(format!("-d '{}'", value.to_string().replace('\'', "'\\''")));
            }
            Some((kind, _)) => {
                lines.push(format!("-H \"Content-Type: {kind}\""));
                lines.push("--data-binary @file".to_owned());
            }
            None => {}
        }
        lines.join(" \\\n  ")
    }
}
