//! What reviews ask and which answers they take.
//!
//! - [`Kind`]: a review's type with its payload, understood
//! - [`form`]: the fields of a form
//! - [`secret`]: which members of a response are secret
//! - [`answer`]: whether a response is one that was offered

pub mod answer;
pub mod form;
pub mod secret;

use crate::error::Step;
use crate::input::{FromObject, Object, Problems, parse_at};
use crate::json::Json;
use form::Form;

/// The most options, items or fields that a review may have.
const MAX_OFFERED: usize = 500;

/// A review's type with its payload. A type that nobody knows, and a known one without the
/// payload it would need, is freeform.
#[derive(Clone, Debug)]
pub enum Kind {
    Approval(Approval),
    Selection(Selection),
    Form(Form),
    TextInput(TextInput),
    Freeform,
}

impl Kind {
    /// Reads what an agent asks for; a known type's payload must have its shape.
    pub fn asked(name: &str, payload: Option<&Json>, path: Vec<Step>, problems: &mut Problems) -> Option<Self> {
        fn read<T: FromObject>(payload: &Json, path: Vec<Step>, problems: &mut Problems) -> Option<T> {
            parse_at(payload, path, problems)
        }
        match (name, payload) {
            ("approval", None) => Some(Self::Approval(Approval::default())),
            ("text-input", None) => Some(Self::TextInput(TextInput::default())),
            ("approval", Some(json)) => read(json, path, problems).map(Self::Approval),
            ("selection", Some(json)) => read(json, path, problems).map(Self::Selection),
            ("form", Some(json)) => read(json, path, problems).map(Self::Form),
            ("text-input", Some(json)) => read(json, path, problems).map(Self::TextInput),
            _ => Some(Self::Freeform),
        }
    }

    /// Reads what was accepted before.
    pub fn stored(name: &str, payload: Option<&Json>) -> Self {
        Self::asked(name, payload, vec![], &mut Problems::default()).unwrap_or(Self::Freeform)
    }
}

/// Options to press, each a button.
#[derive(Clone, Debug)]
pub struct Approval {
    pub options: Vec<Choice>,
    pub allow_comment: bool,
}

/// One thing to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    pub id: String,
    pub label: String,
    pub description: Option<String>,
    pub style: &'static str,
}

impl Default for Approval {
    fn default() -> Self {
        let choice = |id: &str, label: &str, style| Choice {
            id: id.to_owned(),
            label: label.to_owned(),
            description: None,
            style,
        };
        let options = vec![choice("approve", "Approve", "primary"), choice("reject", "Reject", "danger")];
        Self { options, allow_comment: true }
    }
}

impl FromObject for Approval {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let options = object.objects::<Choice>("options", MAX_OFFERED).unwrap_or_default();
        let allow_comment = object.boolean("allowComment").unwrap_or(true);
        distinct(object, "options", &options);
        let options = if options.is_empty() { Self::default().options } else { options };
        Some(Self { options, allow_comment })
    }
}

impl FromObject for Choice {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let id = object.require("id", |o| o.id("id", 256));
        let label = object.require("label", |o| o.label("label", 1000));
        let description = object.string("description");
        let styles = [("primary", "primary"), ("danger", "danger"), ("secondary", "secondary"), ("ghost", "ghost")];
        let style = object.one_of("style", &styles).unwrap_or("secondary");
        Some(Self { id: id?, label: label?, description, style })
    }
}

fn distinct(object: &mut Object<'_>, name: &str, choices: &[Choice]) {
    for (index, choice) in choices.iter().enumerate() {
        if choices[..index].iter().any(|earlier| earlier.id == choice.id) {
            object.problem(name, "repeated", format!("{name} offers the id {} twice", choice.id));
        }
    }
}

/// Items to pick from.
#[derive(Clone, Debug)]
pub struct Selection {
    pub many: bool,
    pub items: Vec<Choice>,
}

impl FromObject for Selection {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let many = object.require("mode", |o| o.one_of("mode", &[("single", false), ("multi", true)]));
        let items = object.require("items", |o| o.objects::<Choice>("items", MAX_OFFERED));
        if items.as_ref().is_some_and(Vec::is_empty) && object.value("items") == Some(serde_json::json!([])) {
            object.problem("items", "empty", "items must offer something");
        }
        distinct(object, "items", items.as_deref().unwrap_or_default());
        Some(Self { many: many?, items: items? })
    }
}

/// A text to write.
#[derive(Clone, Debug, Default)]
pub struct TextInput {
    pub placeholder: Option<String>,
    pub prefill: Option<String>,
    pub markdown: bool,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
}

impl FromObject for TextInput {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let placeholder = object.string("placeholder");
        let prefill = object.string("prefill");
        let markdown = object.boolean("markdown").unwrap_or_default();
        let min_length = object.integer("minLength", 0);
        let max_length = object.integer("maxLength", 0);
        if min_length.zip(max_length).is_some_and(|(min, max)| min > max) {
            object.problem("maxLength", "out_of_range", "maxLength must not be less than minLength");
        }
        Some(Self { placeholder, prefill, markdown, min_length, max_length })
    }
}
