//! Translates a submitted form into the response to its review. Whether the review accepts the response is checked
//! where all answers are.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use shared::json::{self, Json};
use shared::models::Answer;
use shared::review::form::{Field, FieldType, Form};
use shared::review::moment::{Precision, parse_offset};
use shared::review::{Act, Approval, Choice, Effect, Kind};

use crate::extract::FormFields;
use crate::review::number::{self, Unread};

/// The answer, or the problems with it in sentences.
pub fn read(kind: &Kind, act: Option<&Act>, typed: &FormFields) -> Result<Answer, Vec<String>> {
    let response = match kind {
        Kind::Approval(approval) => return approved(approval, act, typed),
        Kind::Selection(selection) => {
            let ids = typed.all("item").into_iter().map(|id| choice(&selection.items, id));
            json!({ "selectedIds": ids.collect::<Vec<_>>() })
        }
        Kind::Form(_) if typed.first("dismiss").is_some() => json!({ "_dismissed": true }),
        Kind::Form(form) => values(form, typed),
        Kind::TextInput(_) => json!({ "text": typed.filled("text").unwrap_or_default() }),
        Kind::Freeform => return freeform(typed),
    };
    sized(to_json(&response)?, typed)
}

/// An option and a comment. The arguments of an act come with them if they were changed; they are in the
/// form whichever option is chosen.
fn approved(approval: &Approval, act: Option<&Act>, typed: &FormFields) -> Result<Answer, Vec<String>> {
    let chosen = typed.first("option").map(|id| choice(&approval.options, id)).unwrap_or_default();
    let mut response = BTreeMap::from([("selectedOption", to_json(&chosen)?)]);
    if let Some(comment) = typed.filled("comment") {
        response.insert("comment", to_json(&comment)?);
    }
    let allows = approval.options.iter().any(|it| it.value == chosen && it.effect() == Effect::Allow);
    if let Some((act, edited)) = act.zip(typed.filled("editedArgs")).filter(|_| allows) {
        let not_json = |err| vec![format!("The arguments must be a JSON object: {err}.")];
        json::parse_lossy(&edited).map_err(not_json)?;
        // Kept as it was typed, numbers included.
        let edited = Json::parse(edited.trim().to_owned());
        let edited = edited.ok_or_else(|| vec!["The arguments must be a JSON object.".to_owned()])?;
        if !act.is_as_asked(&edited) {
            response.insert("editedArgs", edited);
        }
    }
    sized(to_json(&response)?, typed)
}

fn to_json(value: &impl Serialize) -> Result<Json, Vec<String>> {
    Json::of(value).map_err(|err| vec![err.to_string()])
}

/// The answer, unless it is too large.
fn sized(response: Json, typed: &FormFields) -> Result<Answer, Vec<String>> {
    let feedback = typed.filled("feedback");
    match Answer::excess(Some(&response), feedback.as_deref()) {
        Some(sentence) => Err(vec![sentence.to_owned()]),
        None => Ok(Answer { response, feedback, modified_file_ids: None }),
    }
}

fn choice(choices: &[Choice], id: &str) -> Value {
    let found = choices.iter().find(|choice| submitted(&choice.id) == id);
    found.map_or_else(|| Value::from(id), |choice| choice.value.clone())
}

/// A text as an HTML form submits it; [`FormFields`] have `\n` for each CRLF.
pub fn submitted(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

/// The values of all fields that were filled in.
fn values(form: &Form, typed: &FormFields) -> Value {
    Value::Object(form.fields.iter().filter_map(|field| value_of(field, typed)).collect())
}

fn value_of(field: &Field, typed: &FormFields) -> Option<(String, Value)> {
    let name = input_name(field);
    let given = typed.filled(&name);
    let value = match field.kind {
        FieldType::Checkbox => Value::Bool(given.is_some()),
        // A text that is not a number stays a text and is refused later.
        FieldType::Number => given.map(|text| number::read(&text).map_or_else(|_| Value::from(text), number))?,
        // Browsers write the number of a slider as JSON does.
        FieldType::Range => given.map(|text| text.parse().map_or_else(|_| Value::from(text), number))?,
        FieldType::Select if field.many && given.is_some() => {
            typed.all(&name).into_iter().map(|text| option(field, text)).collect()
        }
        FieldType::Select | FieldType::Radio => option(field, &given?),
        FieldType::Datetime => given.map(|text| zoned(&text, typed.first(&zone_name(field))).unwrap_or(text))?.into(),
        _ => Value::from(given?),
    };
    Some((field.name.clone(), value))
}

/// Why a field's text is not a number.
pub fn unread(field: &Field, typed: &FormFields) -> Option<Unread> {
    let text = typed.filled(&input_name(field)).filter(|_| field.kind == FieldType::Number)?;
    number::read(&text).err()
}

/// A JSON number, without a fraction where the number is whole and exact.
fn number(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { Value::from(number as i64) } else { Value::from(number) }
}

fn option(field: &Field, text: &str) -> Value {
    let found = field.options.iter().find(|option| submitted(&option.text) == text);
    found.map_or_else(|| Value::from(text), |option| option.value.clone())
}

/// A datetime with the zone that the page sends, which is UTC without scripts.
fn zoned(text: &str, zone: Option<&str>) -> Option<String> {
    let moment = Precision::Datetime.answered(text)?;
    let offset = moment.offset().or_else(|| parse_offset(zone?))?;
    moment.to_rfc3339(offset)
}

/// The name of a field's input. Its prefix keeps fields apart from the names of the page's buttons.
pub fn input_name(field: &Field) -> String {
    format!("field.{}", submitted(&field.name))
}

/// The name of the input that holds a datetime's zone; a script puts the person's zone there.
pub fn zone_name(field: &Field) -> String {
    format!("zone.{}", submitted(&field.name))
}

fn freeform(typed: &FormFields) -> Result<Answer, Vec<String>> {
    let text = typed.filled("json").unwrap_or_else(|| "{}".to_owned());
    let read = json::parse_lossy(&text).map_err(|err| vec![format!("The response must be a JSON object: {err}.")])?;
    // Kept as it was typed, numbers included.
    let response = Json::parse(text).filter(|_| read.is_object());
    sized(response.ok_or_else(|| vec!["The response must be a JSON object.".to_owned()])?, typed)
}
