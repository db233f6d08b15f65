//! Schemas for people: one line per field, nested fields below their parent.

use serde_json::{Map, Value};

use super::text;

/// Fields nested deeper than this are left to the JSON document.
const MAX_DEPTH: usize = 5;

/// The document's named schemas.
pub struct Schemas<'a> {
    named: Option<&'a Map<String, Value>>,
}

/// A field of an object, a parameter, or a part of a form.
pub struct Field {
    pub name: String,
    /// How deep it is nested; the class of its line.
    pub depth: usize,
    pub place: &'static str,
    pub required: bool,
    pub kind: Vec<Piece>,
    pub rules: Vec<String>,
    pub about: Prose,
    pub example: Option<String>,
}

/// A part of a type's name; the name of a model links to it.
pub struct Piece {
    pub text: String,
    pub model: bool,
}

/// A text in paragraphs, with words in `backticks` as code.
#[derive(Default)]
pub struct Prose {
    pub paragraphs: Vec<Vec<Span>>,
}

/// A part of a paragraph, code or text.
pub struct Span {
    pub text: String,
    pub code: bool,
}

impl Prose {
    pub fn of(value: &Value) -> Self {
        let span = |(at, part): (usize, &str)| Span { text: part.to_owned(), code: at % 2 == 1 };
        let paragraph = |text: &str| text.split('`').enumerate().map(span).filter(|it| !it.text.is_empty()).collect();
        let paragraphs = text(value).split("\n\n").filter(|text| !text.trim().is_empty());
        Self { paragraphs: paragraphs.map(paragraph).collect() }
    }
}

impl<'a> Schemas<'a> {
    pub fn of(document: &'a Value) -> Self {
        Self { named: document["components"]["schemas"].as_object() }
    }

    /// The named schemas that have fields; other types are described where they are used.
    pub fn models(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.named.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)).filter(|it| is_model(it.1))
    }

    /// The schema that a reference points to, or the schema itself.
    pub fn resolve<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        match schema["$ref"].as_str() {
            Some(reference) => self.named.and_then(|named| named.get(name_of(reference))).unwrap_or(&Value::Null),
            None => schema,
        }
    }

    /// The fields of an object, including those of nested objects without a name.
    pub fn fields(&self, schema: &Value) -> Vec<Field> {
        let mut fields = vec![];
        self.collect(schema, 0, false, &mut fields);
        fields
    }

    /// The same, including those of named objects.
    pub fn all_fields(&self, schema: &Value) -> Vec<Field> {
        let mut fields = vec![];
        self.collect(schema, 0, true, &mut fields);
        fields
    }

    fn collect(&self, schema: &Value, depth: usize, named: bool, fields: &mut Vec<Field>) {
        for part in parts(schema) {
            // An array's fields are its items'.
            let (part, is_ref) = self.inner(part);
            if is_ref && depth > 0 && !named {
                continue;
            }
            if ["allOf", "oneOf", "anyOf"].iter().any(|key| part[*key].is_array()) {
                self.collect(part, depth, named, fields);
                continue;
            }
            let required = part["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (name, property) in part["properties"].as_object().into_iter().flatten() {
                fields.push(self.field(name, depth, required.iter().any(|it| text(it) == name), property));
                if depth < MAX_DEPTH {
                    self.collect(property, depth + 1, named, fields);
                }
            }
        }
    }

    fn inner<'s>(&self, schema: &'s Value) -> (&'s Value, bool)
    where
        'a: 's,
    {
        let (mut schema, mut is_ref) = (schema, false);
        for _ in 0..MAX_DEPTH {
            is_ref |= schema["$ref"].is_string();
            schema = self.resolve(schema);
            match schema.get("items") {
                Some(items) => schema = items,
                None if schema["$ref"].is_string() => {}
                None => break,
            }
        }
        (schema, is_ref)
    }

    /// One line: `schema` under its name.
    pub fn field(&self, name: &str, depth: usize, required: bool, schema: &Value) -> Field {
        let meant = self.resolve(parts(schema).next().unwrap_or(schema));
        let value = |key: &str| schema.get(key).or_else(|| meant.get(key));
        let about = match schema["description"].as_str() {
            Some(_) => Prose::of(&schema["description"]),
            None if is_model(meant) => Prose::default(),
            None => Prose::of(&meant["description"]),
        };
        Field {
            name: name.to_owned(),
            depth,
            place: "",
            required,
            kind: self.kind(schema),
            rules: RULES.iter().filter_map(|(key, words)| Some(rule(words, value(key)?))).collect(),
            about,
            example: value("example").or_else(|| value("examples")?.get(0)).map(short),
        }
    }

    /// The type in words.
    pub fn kind(&self, schema: &Value) -> Vec<Piece> {
        let word = |text: &str| Piece { text: text.to_owned(), model: false };
        if let Some(reference) = schema["$ref"].as_str() {
            let meant = self.resolve(schema);
            return match is_model(meant) {
                true => vec![Piece { text: name_of(reference).to_owned(), model: true }],
                false => self.kind(meant),
            };
        }
        if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array()) {
            return self.choices(choices);
        }
        if let Some(values) = schema["enum"].as_array() {
            let words: Vec<String> = values.iter().map(Value::to_string).collect();
            return vec![word(&words.join(" | "))];
        }
        let mut pieces = vec![];
        for kind in one_or_many(&schema["type"]) {
            if !pieces.is_empty() {
                pieces.push(word(" or "));
            }
            pieces.push(word(if kind == "null" { "null" } else { kind }));
            if kind == "array" {
                pieces.push(word(" of "));
                pieces.extend(self.kind(&schema["items"]));
            }
        }
        if let Some(format) = schema["format"].as_str() {
            pieces.push(word(&format!(" ({format})")));
        }
        if pieces.is_empty() {
            pieces.push(word(if schema["allOf"].is_array() { "object" } else { "any JSON" }));
        }
        pieces
    }

    /// Alternatives; null comes last, whatever the order in the document.
    fn choices(&self, choices: &[Value]) -> Vec<Piece> {
        let (nulls, others): (Vec<&Value>, Vec<&Value>) = choices.iter().partition(|it| it["type"] == "null");
        let mut pieces = vec![];
        for choice in others.into_iter().chain(nulls) {
            if !pieces.is_empty() {
                pieces.push(Piece { text: " or ".to_owned(), model: false });
            }
            pieces.extend(self.kind(choice));
        }
        pieces
    }
}

/// The rules that limit a value, in words.
const RULES: [(&str, &str); 12] = [
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("pattern", "matches {}"),
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("multipleOf", "a multiple of {}"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("default", "default {}"),
    ("const", "always {}"),
];

fn rule(words: &str, value: &Value) -> String {
    words.replace("{}", &short(value))
}

/// A value on one line, texts without quotes.
fn short(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The schemas that a schema is made of, null left out: those of `allOf`, `oneOf`, `anyOf`, or
/// itself.
fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let many = ["allOf", "oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    let alone = many.is_none().then_some(schema);
    many.into_iter().flatten().filter(|it| it["type"] != "null").chain(alone)
}

fn is_model(schema: &Value) -> bool {
    schema["properties"].is_object()
        || ["allOf", "oneOf", "anyOf"].iter().any(|key| {
            schema[*key]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it["properties"].is_object() || it["$ref"].is_string()))
        })
}

fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn one_or_many(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        Value::String(one) => vec![one],
        _ => vec![],
    }
}
