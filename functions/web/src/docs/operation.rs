//! One operation: who may call it, with what, and what comes back.

use serde_json::Value;

use super::example::{self, Call};
use super::schema::{Field, Piece, Prose, Schemas};
use super::text;

const JSON: &str = "application/json";

/// An operation, ready for the template.
pub struct Operation {
    pub id: String,
    pub method: &'static str,
    pub path: String,
    pub summary: String,
    pub about: Prose,
    pub credentials: Vec<String>,
    pub parameters: Vec<Field>,
    pub bodies: Vec<Body>,
    pub answers: Vec<Answer>,
    pub refusals: Vec<Answer>,
    pub curl: String,
}

/// A request body, in one of the media types that are accepted.
pub struct Body {
    pub kind: String,
    pub required: bool,
    pub fields: Vec<Field>,
    pub example: Option<String>,
}

/// A response.
pub struct Answer {
    pub status: String,
    pub about: Prose,
    pub kind: String,
    pub shape: Vec<Piece>,
    /// The fields of a type without a name.
    pub fields: Vec<Field>,
    pub codes: Vec<String>,
    pub example: Option<String>,
}

/// The operations of a path.
pub fn methods(item: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let all = [("GET", "get"), ("POST", "post"), ("PUT", "put"), ("PATCH", "patch"), ("DELETE", "delete")];
    all.into_iter().filter_map(|(method, key)| Some((method, item.get(key)?)))
}

impl Operation {
    /// The operation as the document describes it.
    pub fn of(method: &'static str, path: &str, it: &Value, document: &Value, schemas: &Schemas<'_>) -> Self {
        let responses = it["responses"].as_object().into_iter().flatten();
        let answers = responses.map(|(status, response)| Answer::of(status, response, document, schemas));
        let (refusals, answers) = answers.partition(|answer: &Answer| answer.status.starts_with(['4', '5']));
        let content = it["requestBody"]["content"].as_object();
        let required = it["requestBody"]["required"] == true;
        Self {
            id: text(&it["operationId"]).to_owned(),
            method,
            path: path.to_owned(),
            summary: text(&it["summary"]).to_owned(),
            about: Prose::of(&it["description"]),
            credentials: credentials(it, document),
            parameters: parameters(it).map(|parameter| parameter_field(parameter, schemas)).collect(),
            bodies: content.into_iter().flatten().map(|(kind, it)| Body::of(kind, required, it, schemas)).collect(),
            answers,
            refusals,
            curl: call(method, path, it, schemas).curl(),
        }
    }

    /// The CSS class of the method.
    pub fn class(&self) -> String {
        self.method.to_lowercase()
    }
}

impl Body {
    fn of(kind: &str, required: bool, content: &Value, schemas: &Schemas<'_>) -> Self {
        let is_json = kind == JSON;
        Self {
            kind: kind.to_owned(),
            required,
            fields: schemas.all_fields(&content["schema"]),
            example: is_json.then(|| pretty(&example::input(content, schemas))),
        }
    }
}

impl Answer {
    fn of(status: &str, response: &Value, document: &Value, schemas: &Schemas<'_>) -> Self {
        let name = text(&response["$ref"]).rsplit('/').next().unwrap_or_default();
        let response = if name.is_empty() { response } else { &document["components"]["responses"][name] };
        let content = response["content"].as_object().and_then(|all| all.iter().next());
        let schema = content.map_or(&Value::Null, |(_, content)| &content["schema"]);
        let examples = content.and_then(|(_, content)| content["examples"].as_object());
        let shape = if content.is_some() { schemas.kind(schema) } else { vec![] };
        let is_named = shape.iter().any(|piece| piece.model);
        let is_json = content.is_some_and(|(kind, _)| kind == JSON);
        // The status says this already.
        let plain = ["OK", "Created"].contains(&text(&response["description"]));
        Self {
            status: status.to_owned(),
            about: if plain { Prose::default() } else { Prose::of(&response["description"]) },
            kind: content.map(|(kind, _)| kind.clone()).unwrap_or_default(),
            fields: if is_named { vec![] } else { schemas.all_fields(schema) },
            shape,
            codes: examples.into_iter().flatten().map(|(code, _)| code.clone()).collect(),
            example: is_json.then(|| match examples.and_then(|all| all.values().next()) {
                Some(example) => pretty(&example["value"]),
                None => pretty(&example::value(schema, schemas)),
            }),
        }
    }
}

impl Answer {
    /// Whether the response is JSON.
    pub fn is_json(&self) -> bool {
        self.kind == JSON
    }
}

/// The credentials that are accepted, in words.
fn credentials(operation: &Value, document: &Value) -> Vec<String> {
    let schemes = &document["components"]["securitySchemes"];
    let said = |name: &String| {
        let scheme = &schemes[name];
        match (text(&scheme["type"]), text(&scheme["in"])) {
            ("http", _) => format!("Authorization: Bearer {}", text(&scheme["bearerFormat"])),
            (_, "cookie") => format!("cookie {}", text(&scheme["name"])),
            _ => format!("{}: …", text(&scheme["name"])),
        }
    };
    let requirements = operation["security"].as_array().into_iter().flatten();
    requirements.filter_map(|it| it.as_object()?.keys().next()).map(said).collect()
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    operation["parameters"].as_array().into_iter().flatten()
}

fn parameter_field(parameter: &Value, schemas: &Schemas<'_>) -> Field {
    let schema = &parameter["schema"];
    let mut field = schemas.field(text(&parameter["name"]), 0, parameter["required"] == true, schema);
    field.place = match text(&parameter["in"]) {
        "path" => "path",
        "header" => "header",
        "cookie" => "cookie",
        _ => "query",
    };
    if parameter["description"].as_str().is_some_and(|it| !it.is_empty()) {
        field.about = Prose::of(&parameter["description"]);
    }
    if let Some(example) = parameter.get("example") {
        field.example = Some(example.as_str().map_or_else(|| example.to_string(), str::to_owned));
    }
    field
}

fn call<'a>(method: &'a str, path: &str, operation: &'a Value, schemas: &Schemas<'_>) -> Call<'a> {
    let shown = |parameter: &Value| {
        let name = text(&parameter["name"]).to_owned();
        let example = parameter.get("example").cloned();
        let example = example.unwrap_or_else(|| example::value(&parameter["schema"], schemas));
        let shown = if name == "channel" { "$PLACET_CHANNEL".to_owned() } else { plain(&example) };
        (name, shown)
    };
    let required = |place: &'static str| {
        parameters(operation).filter(move |it| it["required"] == true && it["in"] == place).map(shown)
    };
    let path =
        required("path").fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), &value));
    let schemes = operation["security"].as_array().into_iter().flatten().filter_map(|it| it.as_object()?.keys().next());
    let header = schemes.filter_map(|scheme| match scheme.as_str() {
        "apiKey" => Some("Authorization: Bearer $PLACET_API_KEY".to_owned()),
        "session" => Some("Authorization: Bearer $PLACET_SESSION".to_owned()),
        _ => None,
    });
    let content = operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next());
    Call {
        method,
        path,
        query: required("query").collect(),
        headers: header.collect(),
        body: content.map(|(kind, content)| (kind.as_str(), example::input(content, schemas))),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
