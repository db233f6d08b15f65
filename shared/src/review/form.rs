//! The fields of a form review.

use serde_json::Value;

use crate::input::{FromObject, Object};
use crate::review::MAX_OFFERED;

#[derive(Clone, Debug)]
pub struct Form {
    pub fields: Vec<Field>,
    pub submit_label: Option<String>,
    pub dismiss_label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    Number,
    Email,
    Url,
    Textarea,
    Select,
    Checkbox,
    Date,
    Time,
    Datetime,
    Range,
    Password,
}

impl FieldType {
    const WORDS: [(&'static str, Self); 12] = [
        ("text", Self::Text),
        ("number", Self::Number),
        ("email", Self::Email),
        ("url", Self::Url),
        ("textarea", Self::Textarea),
        ("select", Self::Select),
        ("checkbox", Self::Checkbox),
        ("date", Self::Date),
        ("time", Self::Time),
        ("datetime", Self::Datetime),
        ("range", Self::Range),
        ("password", Self::Password),
    ];

    /// The `type` of the HTML input that asks for it, for those that are inputs.
    pub fn input_type(self) -> &'static str {
        match self {
            Self::Datetime => "datetime-local",
            other => Self::WORDS.iter().find(|(_, kind)| *kind == other).map_or("text", |(word, _)| word),
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Range)
    }

    pub fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::Time | Self::Datetime)
    }
}

/// One field; `min`, `max` and `step` are numbers for numbers and texts for dates and times.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: FieldType,
    pub label: String,
    pub required: bool,
    pub placeholder: Option<String>,
    pub default_value: Option<Value>,
    pub description: Option<String>,
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub step: Option<f64>,
    pub unit: Option<String>,
    pub options: Vec<SelectOption>,
}

#[derive(Clone, Debug)]
pub struct SelectOption {
    pub value: String,
    pub label: String,
}

impl Field {
    /// Its bounds as attributes of an HTML input. A number without a step takes any.
    pub fn bounds(&self) -> Vec<(&'static str, String)> {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let bound = |name, value: &Option<Value>| value.as_ref().map(|value| (name, plain(value)));
        let step = match self.step {
            Some(step) => Some(("step", step.to_string())),
            None => self.kind.is_number().then(|| ("step", "any".to_owned())),
        };
        [bound("min", &self.min), bound("max", &self.max), step].into_iter().flatten().collect()
    }
}

impl FromObject for Form {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let fields = object.require("fields", |o| o.objects::<Field>("fields", MAX_OFFERED));
        let submit_label = object.string("submitLabel");
        let dismiss_label = object.string("dismissLabel");
        let named = fields.as_deref().unwrap_or_default();
        for (index, field) in named.iter().enumerate() {
            if named[..index].iter().any(|earlier| earlier.name == field.name) {
                object.problem("fields", "repeated", format!("fields has the name {} twice", field.name));
            }
        }
        Some(Self { fields: fields?, submit_label, dismiss_label })
    }
}

impl FromObject for Field {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let name = object.require("name", |o| o.id("name", 256));
        let kind = object.require("type", |o| o.one_of("type", &FieldType::WORDS));
        let label = object.string("label");
        let required = object.boolean("required").unwrap_or_default();
        let placeholder = object.string("placeholder");
        let description = object.string("description");
        let unit = object.string("unit");
        let min = bound(object, "min", kind);
        let max = bound(object, "max", kind);
        let step = number(object, "step").filter(|step| *step > 0.0);
        let options = options(object);
        if kind == Some(FieldType::Select) && options.as_ref().is_some_and(Vec::is_empty) {
            object.problem("options", "required", "a select needs options");
        }
        let name = name?;
        Some(Self {
            label: label.unwrap_or_else(|| name.clone()),
            name,
            kind: kind?,
            required,
            placeholder,
            default_value: object.value("defaultValue"),
            description,
            min,
            max,
            step,
            unit,
            options: options?,
        })
    }
}

fn number(object: &mut Object<'_>, name: &str) -> Option<f64> {
    let value = object.value(name)?;
    if value.as_f64().is_none() {
        object.problem(name, "not_a_number", format!("{name} must be a number"));
    }
    value.as_f64()
}

/// A bound counts for numbers, and for dates and times as the text they are written in.
fn bound(object: &mut Object<'_>, name: &str, kind: Option<FieldType>) -> Option<Value> {
    let value = object.value(name)?;
    let fits = match kind {
        Some(kind) if kind.is_number() => value.is_number(),
        Some(kind) if kind.is_moment() => value.is_string(),
        _ => value.is_number() || value.is_string(),
    };
    if !fits {
        object.problem(name, "not_a_bound", format!("{name} must be a number, or a string for dates and times"));
    }
    fits.then_some(value)
}

/// A select's options: strings, or objects of a value and a label.
fn options(object: &mut Object<'_>) -> Option<Vec<SelectOption>> {
    let Some(given) = object.value("options") else { return Some(vec![]) };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let read = given.as_array().and_then(|all| {
        all.iter()
            .map(|option| match option.as_str() {
                Some(same) => Some(SelectOption { value: same.to_owned(), label: same.to_owned() }),
                None => {
                    let value = text(option, "value")?;
                    Some(SelectOption { label: text(option, "label").unwrap_or_else(|| value.clone()), value })
                }
            })
            .collect()
    });
    if read.is_none() {
        object.problem("options", "not_options", "options must be strings or objects with value and label");
    }
    read
}
