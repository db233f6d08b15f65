//! What a submitted form means as a response to its review. It only translates; whether the
//! response is one that the review offers is judged where every answer is.

use serde_json::{Value, json};
use shared::json::{self, Json};
use shared::models::Answer;
use shared::review::Kind;
use shared::review::form::{Field, FieldType};

/// A submitted form: names and values as they came.
#[derive(Clone, Default)]
pub struct Typed(pub Vec<(String, String)>);

impl Typed {
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn filled(&self, name: &str) -> Option<String> {
        self.first(name).filter(|it| !it.is_empty()).map(str::to_owned)
    }

    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, given)| key == name && given == value)
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// The answer, or what cannot be one.
pub fn read(kind: &Kind, typed: &Typed) -> Result<Answer, String> {
    let response = match kind {
        Kind::Approval(_) => {
            let mut response = json!({ "selectedOption": typed.first("option").unwrap_or_default() });
            if let Some(comment) = typed.filled("comment") {
                response["comment"] = Value::from(comment);
            }
            response
        }
        Kind::Selection(_) => json!({ "selectedIds": typed.all("item") }),
        Kind::Form(_) if typed.first("dismiss").is_some() => json!({ "_dismissed": true }),
        Kind::Form(form) => Value::Object(form.fields.iter().filter_map(|field| value_of(field, typed)).collect()),
        Kind::TextInput(_) => json!({ "text": typed.filled("text").unwrap_or_default() }),
        Kind::Freeform => return freeform(typed),
    };
    let response = Json::of(&response).map_err(|err| err.to_string())?;
    Ok(Answer { response, feedback: typed.filled("feedback"), modified_file_ids: None })
}

fn value_of(field: &Field, typed: &Typed) -> Option<(String, Value)> {
    let given = typed.filled(&input_name(field));
    let value = match field.kind {
        FieldType::Checkbox => Value::from(given.is_some()),
        // What is no number stays a text, and is refused as one.
        kind if kind.is_number() => {
            let text = given?;
            // Browsers take ".5" and "007" for numbers; JSON does not.
            let plain = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
            json::understood(&text).ok().or_else(plain).unwrap_or(Value::from(text))
        }
        _ => Value::from(given?),
    };
    Some((field.name.clone(), value))
}

/// Fields have a prefix of their own, so that none can pass for a button of ours.
pub fn input_name(field: &Field) -> String {
    format!("field.{}", field.name)
}

fn freeform(typed: &Typed) -> Result<Answer, String> {
    let text = typed.filled("json").unwrap_or_else(|| "{}".to_owned());
    let read = json::understood(&text).map_err(|err| format!("The response must be a JSON object: {err}."))?;
    // Kept as it was typed, numbers included.
    let response = Json::parse(text).filter(|_| read.is_object()).ok_or("The response must be a JSON object.")?;
    Ok(Answer { response, feedback: typed.filled("feedback"), modified_file_ids: None })
}
