//! The outcome of a review, in words.

use serde_json::Value;
use shared::json::Json;
use shared::models::{Review, ReviewStatus};
use shared::review::form::Field;
use shared::review::{Choice, Kind};

/// A review's type in words; an unknown type stays as it is.
pub fn kind_word(kind: &str) -> &str {
    match kind {
        "approval" => "Approval",
        "selection" => "Choice",
        "form" => "Form",
        "text-input" => "Text",
        "freeform" => "Custom",
        other => other,
    }
}

fn stored(review: &Review) -> Value {
    review.response.as_ref().map(Json::value).unwrap_or_default()
}

/// The labels of the options or items that the stored response names; of an option that decided on an act also what it
/// did to it, unless its label says so.
pub fn chosen(review: &Review) -> Vec<String> {
    let response = stored(review);
    let (offered, named) = match review.kind() {
        Kind::Approval(approval) => (approval.options, vec![response["selectedOption"].clone()]),
        Kind::Selection(selection) => {
            (selection.items, response["selectedIds"].as_array().cloned().unwrap_or_default())
        }
        Kind::Form(form) if response["_dismissed"] == Value::Bool(true) => {
            return vec![form.dismiss_label.unwrap_or_else(|| "Dismissed".to_owned())];
        }
        _ => return vec![],
    };
    let said = |choice: Choice| match review.effect_word(&choice) {
        Some(word) => format!("{} {word}", choice.label),
        None => choice.label,
    };
    offered.into_iter().filter(|choice| named.iter().any(|id| choice.is(id))).map(said).collect()
}

/// The rest of the stored response as labels and values: comments, texts, the fields of a form.
pub fn answers(review: &Review) -> Vec<(String, String)> {
    let response = stored(review);
    let said = |name: &str, label: &str| {
        let value = response.get(name).filter(|it| !it.is_null())?;
        Some((label.to_owned(), plain(value)))
    };
    match review.kind() {
        Kind::Approval(_) => said("comment", "Comment").into_iter().collect(),
        Kind::TextInput(_) => said("text", "Text").into_iter().collect(),
        Kind::Form(form) => {
            let given = |field: &Field| response.get(&field.name).filter(|it| !it.is_null()).cloned();
            let fields = form.fields.iter().filter_map(|field| Some((field, given(field)?)));
            fields.map(|(field, value)| (field.label.clone(), in_labels(field, &value))).collect()
        }
        Kind::Selection(_) | Kind::Freeform => vec![],
    }
}

/// A field's value; options by their labels.
fn in_labels(field: &Field, value: &Value) -> String {
    let label = |value: &Value| {
        let option = field.options.iter().find(|option| option.is(value));
        option.map_or_else(|| plain(value), |option| option.label.clone())
    };
    match value {
        Value::Array(all) => all.iter().map(label).collect::<Vec<_>>().join(", "),
        one => label(one),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// The outcome in a word or two, for a list.
pub fn in_a_word(review: &Review) -> String {
    match review.status {
        ReviewStatus::Expired => return "expired".to_owned(),
        ReviewStatus::Cancelled => return "withdrawn".to_owned(),
        ReviewStatus::Pending | ReviewStatus::Completed => {}
    }
    match chosen(review).as_slice() {
        [] => "answered".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
