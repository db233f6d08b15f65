//! What a select or a radio field offers.

use serde_json::Value;

use crate::review::MAX_OFFERED;
use crate::review::text::is_blank;
use crate::validation::JsonObject;

/// One option.
#[derive(Clone, Debug)]
pub struct SelectOption {
    /// As it was sent: a string, a number or a boolean.
    pub value: Value,
    /// The value as a text, which is what a page sends.
    pub text: String,
    pub label: String,
    pub description: Option<String>,
}

impl SelectOption {
    /// Whether `value` names this option. A text names a number that is written like that.
    pub fn is(&self, value: &Value) -> bool {
        let same_number = || self.value.as_f64().zip(value.as_f64()).is_some_and(|(ours, given)| ours == given);
        self.value == *value || value.as_str() == Some(&self.text) || same_number()
    }
}

/// A string, a number or a boolean as a text.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Strings, numbers and booleans, or objects of such a `value`, a `label` and a `description`.
pub fn member(object: &mut JsonObject<'_>) -> Option<Vec<SelectOption>> {
    let Some(given) = object.value("options") else { return Some(vec![]) };
    let Some(elements) = given.as_array() else {
        object.problem("options", "not_options", "options must be an array of strings, numbers or {value, label}");
        return None;
    };
    let read: Vec<_> = elements.iter().map(option).collect();
    for (index, _) in read.iter().enumerate().filter(|(_, option)| option.is_none()) {
        let mut path = object.path_to("options");
        path.push(index.into());
        let message = format!("options[{index}] must be a string, a number, or an object with value and label");
        object.problems().add(path, "not_options", message);
    }
    let options: Vec<SelectOption> = read.into_iter().collect::<Option<_>>()?;
    if options.len() > MAX_OFFERED {
        object.problem("options", "too_many", format!("options may have at most {MAX_OFFERED} elements"));
        return Some(options);
    }
    for (index, option) in options.iter().enumerate() {
        if options[..index].iter().any(|earlier| earlier.is(&option.value) || option.is(&earlier.value)) {
            object.problem("options", "repeated", format!("options has the value {} twice", option.text));
        }
    }
    Some(options)
}

fn option(given: &Value) -> Option<SelectOption> {
    if let Some(text) = scalar_text(given) {
        return Some(SelectOption { value: given.clone(), label: text.clone(), text, description: None });
    }
    let value = given.get("value")?;
    let text = scalar_text(value)?;
    let label = given.get("label").and_then(scalar_text).filter(|label| !is_blank(label));
    let description = given.get("description").and_then(Value::as_str).map(str::to_owned);
    Some(SelectOption { value: value.clone(), label: label.unwrap_or_else(|| text.clone()), text, description })
}
