//! Things to choose from: the options of an approval, the items of a selection.

use serde_json::Value;

use crate::review::MAX_OFFERED;
use crate::review::act::Effect;
use crate::review::form::options::scalar_text;
use crate::review::text::is_blank;
use crate::validation::{FromObject, JsonObject};

/// One thing to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    pub id: String,
    /// What the response carries: the id, as a number where it was sent as one.
    pub value: Value,
    pub label: String,
    pub description: Option<String>,
    pub style: &'static str,
    effect: Option<Effect>,
}

impl Choice {
    fn simple(id: &str, label: &str, style: &'static str) -> Self {
        let (id, label) = (id.to_owned(), label.to_owned());
        Self { value: Value::from(id.as_str()), id, label, description: None, style, effect: None }
    }

    /// What choosing it does to the act of its review, if there is one.
    pub fn effect(&self) -> Effect {
        self.effect.unwrap_or(if self.id == "approve" { Effect::Allow } else { Effect::Deny })
    }

    /// What choosing it does to the act of its review, unless its label says exactly that.
    pub fn effect_word(&self) -> Option<&'static str> {
        match (self.effect(), self.label.as_str()) {
            (Effect::Allow, "Approve") | (Effect::Deny, "Reject") => None,
            (Effect::Allow, _) => Some("(allows it)"),
            (Effect::Deny, _) => Some("(does not allow it)"),
        }
    }

    /// Whether `value` names this choice: its id, or the number that is written like it.
    pub fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.id,
            Value::Number(_) => scalar_text(value).as_deref() == Some(&self.id),
            _ => false,
        }
    }

    /// An array whose elements are objects, or strings and numbers that are id and label in one.
    fn members(object: &mut JsonObject<'_>, name: &str) -> Option<Vec<Self>> {
        let elements = object.elements(name, MAX_OFFERED)?;
        let mut read: Vec<Self> = Vec::with_capacity(elements.len());
        for (index, raw) in elements.into_iter().enumerate() {
            let mut path = object.path_to(name);
            path.push(index.into());
            match serde_json::from_str(raw.get()) {
                Ok(value @ (Value::String(_) | Value::Number(_))) => {
                    let id = scalar_text(&value).unwrap_or_default();
                    if is_blank(&id) || id.chars().count() > MAX_ID {
                        let message = format!("{name}[{index}] must have 1 to {MAX_ID} characters");
                        object.problems().add(path, "empty", message);
                    } else {
                        read.push(Self::simple(&id, id.trim(), "secondary"));
                    }
                }
                _ => {
                    let element = JsonObject::of(raw, path, object.problems());
                    read.extend(element.and_then(|mut element| Self::from_object(&mut element)));
                }
            }
        }
        for (index, choice) in read.iter().enumerate() {
            if read[..index].iter().any(|earlier| earlier.id == choice.id) {
                object.problem(name, "repeated", format!("{name} offers the id {} twice", choice.id));
            }
        }
        Some(read)
    }
}

const MAX_ID: usize = 256;

impl FromObject for Choice {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let value = object.value("id");
        let id = match value.as_ref().filter(|value| value.is_number()).and_then(scalar_text) {
            Some(id) => Some(id),
            None => object.require("id", |o| o.id("id", MAX_ID)),
        };
        let label = object.require("label", |o| o.label("label", 1000));
        if label.as_ref().is_some_and(|label| is_blank(label)) {
            object.problem("label", "empty", "label must show something");
        }
        let description = object.string("description");
        let styles = [("primary", "primary"), ("danger", "danger"), ("secondary", "secondary"), ("ghost", "ghost")];
        let style = object.one_of("style", &styles).unwrap_or("secondary");
        // Only a review with an act gives it a meaning, and checks it.
        let effect = object.value("effect");
        let effect = Effect::WORDS.into_iter().find(|(word, _)| effect.as_ref().is_some_and(|it| it == word));
        let effect = effect.map(|(_, effect)| effect);
        Some(Self { id: id?, value: value?, label: label?, description, style, effect })
    }
}

/// Options to press, each a button.
#[derive(Clone, Debug)]
pub struct Approval {
    pub options: Vec<Choice>,
    pub allow_comment: bool,
}

impl Default for Approval {
    fn default() -> Self {
        let options =
            vec![Choice::simple("approve", "Approve", "primary"), Choice::simple("reject", "Reject", "danger")];
        Self { options, allow_comment: true }
    }
}

impl FromObject for Approval {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let options = object.has("options").then(|| Choice::members(object, "options")).flatten();
        let allow_comment = object.boolean("allowComment").unwrap_or(true);
        let options = options.filter(|options| !options.is_empty()).unwrap_or(Self::default().options);
        Some(Self { options, allow_comment })
    }
}

/// Items to pick from.
#[derive(Clone, Debug)]
pub struct Selection {
    pub many: bool,
    pub items: Vec<Choice>,
}

impl FromObject for Selection {
    /// `options` and `multiple`, as other clients call them, count where `items` and `mode` are
    /// absent.
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let many = match object.has("mode") || !object.has("multiple") {
            true => object.require("mode", |o| o.one_of("mode", &[("single", false), ("multi", true)])),
            false => object.boolean("multiple"),
        };
        let name = if object.has("items") || !object.has("options") { "items" } else { "options" };
        let items = object.require(name, |o| Choice::members(o, name));
        if items.as_ref().is_some_and(Vec::is_empty) && object.value(name) == Some(Value::Array(vec![])) {
            object.problem(name, "empty", format!("{name} must offer something"));
        }
        Some(Self { many: many?, items: items? })
    }
}
