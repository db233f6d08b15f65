//! One field of a form.

use serde_json::Value;

use crate::review::form::limits::{Limits, given};
use crate::review::form::{SelectOption, defaults, options};
use crate::review::moment::Precision;
use crate::review::text::{is_blank, squeezed};
use crate::validation::{FromObject, JsonObject};
use crate::words::words;

/// Names that mean something else in a response, or to the programs that read it.
const RESERVED: [&str; 2] = ["_dismissed", "__proto__"];

/// The type of a form field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    Number,
    Email,
    Url,
    Textarea,
    Select,
    /// A select whose options are all in sight.
    Radio,
    Checkbox,
    Date,
    Time,
    Datetime,
    Range,
    Password,
}

words!(FieldType {
    "text" => Text,
    "number" => Number,
    "email" => Email,
    "url" => Url,
    "textarea" => Textarea,
    "select" => Select,
    "radio" => Radio,
    "checkbox" => Checkbox,
    "date" => Date,
    "time" => Time,
    "datetime" => Datetime,
    "range" => Range,
    "password" => Password,
});

impl FieldType {
    /// Whether the field takes a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Range)
    }

    /// The parts of a date or a time, for fields that take one.
    pub fn precision(self) -> Option<Precision> {
        match self {
            Self::Date => Some(Precision::Date),
            Self::Time => Some(Precision::Time),
            Self::Datetime => Some(Precision::Datetime),
            _ => None,
        }
    }

    /// Whether the field offers options.
    pub fn is_choice(self) -> bool {
        matches!(self, Self::Select | Self::Radio)
    }

    /// `Date-Time` and HTML's `datetime-local` are taken as `datetime`, with a warning.
    fn member(object: &mut JsonObject<'_>) -> Option<Self> {
        let value = object.value("type")?;
        let given = value.as_str().unwrap_or_default();
        if !Self::WORDS.iter().any(|(word, _)| *word == given) {
            let squeezed = squeezed(given);
            let meant = if squeezed == "datetimelocal" { "datetime" } else { squeezed.as_str() };
            if let Some((word, kind)) = Self::WORDS.iter().find(|(word, _)| *word == meant) {
                object.warn("type", "near_miss", format!("the field type {given} was read as {word}"));
                return Some(*kind);
            }
        }
        object.one_of("type", &Self::WORDS)
    }
}

/// A field as it is asked. `label` is never blank.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: FieldType,
    pub label: String,
    pub required: bool,
    pub placeholder: Option<String>,
    pub default_value: Option<Value>,
    pub description: Option<String>,
    pub limits: Limits,
    pub unit: Option<String>,
    pub options: Vec<SelectOption>,
    /// A select that takes several of its options.
    pub many: bool,
}

impl FromObject for Field {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let name = object.require("name", |o| o.id("name", 256));
        if let Some(reserved) = name.as_ref().filter(|name| RESERVED.contains(&name.as_str())) {
            object.problem("name", "reserved", format!("{reserved} cannot be the name of a field"));
        }
        let kind = object.require("type", FieldType::member);
        let label = object.string("label").filter(|label| !is_blank(label));
        let required = object.boolean("required").unwrap_or_default();
        let placeholder = object.string("placeholder");
        let description = object.string("description");
        let unit = object.string("unit");
        let limits = kind.map_or(Limits::None, |kind| Limits::member(object, kind));
        let many = object.boolean("multiple").unwrap_or_default() && kind == Some(FieldType::Select);
        let options = options::member(object);
        if kind.is_some_and(FieldType::is_choice)
            && let Some(options) = options.as_ref().filter(|all| all.iter().all(|option| option.text.is_empty()))
        {
            let kind = kind.map_or("select", FieldType::word);
            let what = if options.is_empty() { "options" } else { "an option with a value" };
            object.problem("options", "required", format!("a {kind} needs {what}"));
        }
        let name = name?;
        let field = Self {
            label: label.unwrap_or_else(|| name.clone()),
            name,
            kind: kind?,
            required,
            placeholder,
            default_value: given(object, "defaultValue"),
            description,
            limits,
            unit,
            options: options?,
            many,
        };
        defaults::check(object, &field);
        Some(field)
    }
}
