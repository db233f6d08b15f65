//! How each argument of an act is edited: by the type of its value, within the limits of the act's schema.
//!
//! The attributes that are written here are for `web/scripts/act-editor.js`. They only help the person: what
//! is accepted is checked where all answers are.

use serde_json::Value;
use shared::review::Act;

use super::write_attribute;

/// The most references of a schema that are followed.
const MAX_REFERENCES: usize = 8;
/// The most bytes of a list of choices.
const MAX_CHOICES: usize = 4 * 1024;

/// What may be edited, and the schema of each value.
pub struct Editor<'a> {
    editable: &'a [String],
    schema: Option<Value>,
}

/// An argument that is absent and may be added.
pub struct Place {
    pub name: String,
    pub attributes: String,
}

impl<'a> Editor<'a> {
    /// The editor of an act's arguments.
    pub fn new(act: &'a Act) -> Self {
        let schema = act.args_schema.as_ref().filter(|_| !act.editable.is_empty()).map(|schema| schema.value());
        Self { editable: &act.editable, schema }
    }

    /// The attributes of the element around a value that may be edited.
    pub fn attributes(&self, pointer: &str, json: &str) -> Option<String> {
        let is_place = self.editable.iter().any(|place| place == pointer);
        let is_below = || self.editable.iter().any(|place| is_below(pointer, place));
        // Objects and lists are edited as JSON where a pointer names them; what is in them is edited by itself.
        let is_leaf = !json.starts_with(['{', '[']) || json.len() == 2;
        (is_place || is_leaf && is_below()).then(|| self.written(pointer, Some(json)))
    }

    /// The arguments that an editable pointer names and that are not there, where their parent is.
    pub fn absent(&self, args: &Value) -> Vec<Place> {
        let is_absent = |pointer: &&String| {
            let parent = pointer.rsplit_once('/').and_then(|(parent, _)| args.pointer(parent));
            parent.is_some_and(Value::is_object) && args.pointer(pointer).is_none()
        };
        let place = |pointer: &String| Place { name: names(pointer), attributes: self.written(pointer, None) };
        self.editable.iter().filter(is_absent).map(place).collect()
    }

    fn written(&self, pointer: &str, json: Option<&str>) -> String {
        let schema = self.schema.as_ref().and_then(|root| at(root, pointer));
        let mut html = String::from(r#"class="edit""#);
        write_attribute(&mut html, "data-pointer", pointer);
        let choices = schema.and_then(|schema| choices(schema, json));
        let kind = match &choices {
            Some(_) => "choice",
            None => kind(json.unwrap_or("null"), schema),
        };
        write_attribute(&mut html, "data-kind", kind);
        if let Some(choices) = choices {
            write_attribute(&mut html, "data-choices", &choices);
        }
        let limits = [
            ("minimum", "data-min"),
            ("maximum", "data-max"),
            ("minLength", "data-min-length"),
            ("maxLength", "data-max-length"),
            ("description", "data-about"),
        ];
        for (keyword, name) in limits {
            match schema.and_then(|schema| schema.get(keyword)) {
                Some(Value::String(text)) if keyword == "description" => write_attribute(&mut html, name, text),
                Some(Value::Number(number)) => write_attribute(&mut html, name, &number.to_string()),
                _ => {}
            }
        }
        if schema.is_some_and(|schema| schema.get("type").is_some_and(|it| it == "integer")) {
            html.push_str(" data-integer");
        }
        html
    }
}

/// The type by which a value is edited; of a null, which may become anything, that of the schema.
fn kind(json: &str, schema: Option<&Value>) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "text",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => match schema.and_then(|schema| schema.get("type")).and_then(Value::as_str) {
            Some("string") => "text",
            Some("boolean") => "boolean",
            Some("number" | "integer") => "number",
            _ => "json",
        },
        Some(b'{' | b'[') => "json",
        _ => "number",
    }
}

/// The values that a schema allows, as a JSON array: those of the type that the value has.
fn choices(schema: &Value, json: Option<&str>) -> Option<String> {
    let allowed = schema.get("enum")?.as_array()?;
    let value = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null);
    let fits = |other: &&Value| value.is_null() || std::mem::discriminant(*other) == std::mem::discriminant(&value);
    let fitting: Vec<&Value> = allowed.iter().filter(fits).collect();
    let json = serde_json::to_string(&fitting).ok()?;
    (!fitting.is_empty() && json.len() <= MAX_CHOICES).then_some(json)
}

/// The schema of the value at a pointer, where it is plain to see.
fn at<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut schema = resolved(root, root)?;
    for token in tokens(pointer) {
        let member = schema.get("properties").and_then(|all| all.get(&token));
        let element = || {
            let index = token.parse::<usize>().ok()?;
            schema.get("prefixItems").and_then(|all| all.get(index)).or_else(|| schema.get("items"))
        };
        let next = member.or_else(element).or_else(|| schema.get("additionalProperties"))?;
        schema = resolved(root, next)?;
    }
    Some(schema)
}

/// The schema that a reference leads to.
fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = root.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

/// Whether a pointer is at or below another one.
fn is_below(pointer: &str, place: &str) -> bool {
    pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A JSON Pointer as people read it.
pub fn names(pointer: &str) -> String {
    let names: Vec<String> = tokens(pointer).collect();
    if names.is_empty() { "all arguments".to_owned() } else { names.join(" › ") }
}

/// The names and indexes of a JSON Pointer.
pub fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn editor(editable: &[String], schema: Value) -> Editor<'_> {
        Editor { editable, schema: Some(schema) }
    }

    #[test]
    fn values_are_edited_by_their_type_and_schema() {
        let editable = ["/amount".to_owned(), "/lines".to_owned(), "/note".to_owned(), "/currency".to_owned()];
        let schema = json!({
            "properties": {
                "amount": { "$ref": "#/$defs/money" },
                "currency": { "enum": ["EUR", "USD", null, 5] },
                "note": { "type": "string", "maxLength": 40, "description": "Shown \"as is\"" }
            },
            "$defs": { "money": { "type": "integer", "minimum": 1, "maximum": 500 } }
        });
        let editor = editor(&editable, schema);
        let of = |pointer: &str, json: &str| editor.attributes(pointer, json).unwrap_or_default();
        assert_eq!(
            of("/amount", "5"),
            r#"class="edit" data-pointer="/amount" data-kind="number" data-min="1" data-max="500" data-integer"#
        );
        assert!(of("/currency", r#""EUR""#).contains(r#"data-choices="[&quot;EUR&quot;,&quot;USD&quot;]""#));
        assert!(of("/lines", "[1,2]").contains(r#"data-kind="json""#));
        assert!(of("/lines/0/n", "true").contains(r#"data-kind="boolean""#));
        assert_eq!(of("/lines/0", r#"{"n":1}"#), "");
        assert_eq!(of("/amounts", "5") + &of("/to", "5"), "");
        let absent = editor.absent(&json!({ "amount": 5, "currency": "EUR", "lines": [] }));
        assert_eq!(absent.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["note"]);
        assert!(absent.iter().all(|it| {
            it.attributes.contains(r#"data-kind="text" data-max-length="40" data-about="Shown &quot;as is&quot;""#)
        }));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let editable = [String::new()];
        let editor = editor(&editable, json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/a" } } }));
        assert_eq!(
            editor.attributes("/x", "1").as_deref(),
            Some(r#"class="edit" data-pointer="/x" data-kind="number""#)
        );
        assert!(editor.attributes("", "{\"x\":1}").is_some());
    }
}
