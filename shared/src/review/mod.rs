//! What reviews ask and which answers they take.
//!
//! - [`Kind`]: a review's type with its payload, understood; [`near_miss`]: types that are almost
//!   known ones
//! - [`act`]: the act that an approval is about
//! - [`choice`]: approvals and selections; [`form`]: the fields of a form
//! - [`moment`], [`text`]: dates and times, and when a text shows nothing
//! - [`secret`]: which members of a response are secret
//! - [`answer`]: whether a response is one that was offered

pub mod act;
pub mod answer;
pub mod choice;
pub mod form;
pub mod moment;
pub mod near_miss;
pub mod secret;
pub mod text;

pub use act::{Act, Effect, Risk};
pub use choice::{Approval, Choice, Selection};

use crate::error::Step;
use crate::json::Json;
use crate::validation::{FromObject, JsonObject, ValidationErrors, parse_at};
use form::Form;

/// The most options, items or fields that a review may have.
const MAX_OFFERED: usize = 500;

/// The most characters that a response of 64 KiB, `{"text":""}` included, holds.
const MAX_TEXT: u64 = 64 * 1024 - 11;

/// A review's type with its payload. An unknown type, and a known one without the
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
    /// Reads the payload of a new review; a known type's payload must have its shape.
    pub fn parse(name: &str, payload: Option<&Json>, path: Vec<Step>, problems: &mut ValidationErrors) -> Option<Self> {
        fn read<T: FromObject>(payload: &Json, path: Vec<Step>, problems: &mut ValidationErrors) -> Option<T> {
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

    /// Reads what was accepted before. Only what has no readable shape is none: rules that came
    /// later add problems, which do not count here.
    pub fn from_stored(name: &str, payload: Option<&Json>) -> Self {
        Self::parse(name, payload, vec![], &mut ValidationErrors::default()).unwrap_or(Self::Freeform)
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
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let placeholder = object.string("placeholder");
        let prefill = object.string("prefill");
        let markdown = object.boolean("markdown").unwrap_or_default();
        let min_length = object.integer("minLength", 0);
        let max_length = object.integer("maxLength", 0);
        if min_length.zip(max_length).is_some_and(|(min, max)| min > max) {
            object.problem("maxLength", "out_of_range", "maxLength must not be less than minLength");
        }
        if min_length.is_some_and(|min| min > MAX_TEXT) {
            object.problem("minLength", "out_of_range", format!("an answer has room for {MAX_TEXT} characters"));
        }
        Some(Self { placeholder, prefill, markdown, min_length, max_length })
    }
}
