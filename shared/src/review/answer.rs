//! Whether a response is one that its review offers.
//!
//! | type | response |
//! |---|---|
//! | approval | `{"selectedOption": id, "comment"?: text}` |
//! | selection | `{"selectedIds": [id, ...]}`: one for single, at least one for multi |
//! | form | `{name: value, ...}` of its fields, or `{"_dismissed": true}` when it can be dismissed |
//! | text-input | `{"text": text}`, lengths in characters |
//! | freeform and unknown | any object |

use std::collections::HashSet;

use serde_json::{Map, Value};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::input::Problems;
use crate::json::Json;
use crate::models::account::is_email;
use crate::review::form::{Field, FieldType, Form};
use crate::review::{Approval, Kind, Selection, TextInput};

/// Checks `response`; the error names every member that does not fit.
pub fn check(kind: &Kind, response: &Json) -> Result<(), Error> {
    let mut found = Findings(Problems::default());
    let value = response.value();
    let Some(members) = value.as_object() else {
        return Err(Error::field(["response".into()], "not_an_object", "response must be an object"));
    };
    match kind {
        Kind::Approval(approval) => found.approval(approval, members),
        Kind::Selection(selection) => found.selection(selection, members),
        Kind::Form(form) => found.form(form, members),
        Kind::TextInput(input) => found.text_input(input, members),
        Kind::Freeform => {}
    }
    found.0.or(Some(()))
}

struct Findings(Problems);

impl Findings {
    fn wrong(&mut self, member: &str, code: &'static str, message: impl Into<String>) {
        self.0.add(vec!["response".into(), member.into()], code, message);
    }

    fn approval(&mut self, approval: &Approval, members: &Map<String, Value>) {
        let chosen = members.get("selectedOption").and_then(Value::as_str);
        if !approval.options.iter().any(|option| Some(option.id.as_str()) == chosen) {
            let ids: Vec<&str> = approval.options.iter().map(|option| option.id.as_str()).collect();
            self.wrong("selectedOption", "not_offered", format!("selectedOption must be one of {}", ids.join(", ")));
        }
        match members.get("comment") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if approval.allow_comment || text.is_empty() => {}
            Some(Value::String(_)) => self.wrong("comment", "not_offered", "this review takes no comment"),
            Some(_) => self.wrong("comment", "not_a_string", "comment must be a string"),
        }
    }

    fn selection(&mut self, selection: &Selection, members: &Map<String, Value>) {
        let Some(ids) = members.get("selectedIds").and_then(Value::as_array) else {
            return self.wrong("selectedIds", "required", "selectedIds must be an array of ids");
        };
        let offered = |id: &Value| selection.items.iter().any(|item| id.as_str() == Some(&item.id));
        if !ids.iter().all(offered) {
            self.wrong("selectedIds", "not_offered", "selectedIds may only name ids that were offered");
        }
        let mut seen = HashSet::new();
        if !ids.iter().all(|id| seen.insert(id)) {
            self.wrong("selectedIds", "repeated", "selectedIds names an id twice");
        }
        match (selection.many, ids.len()) {
            (false, 1) | (true, 1..) => {}
            (false, _) => self.wrong("selectedIds", "wrong_count", "exactly one id must be selected"),
            (true, 0) => self.wrong("selectedIds", "wrong_count", "at least one id must be selected"),
        }
    }

    fn text_input(&mut self, input: &TextInput, members: &Map<String, Value>) {
        let Some(text) = members.get("text").and_then(Value::as_str) else {
            return self.wrong("text", "required", "text must be a string");
        };
        let length = text.chars().count() as u64;
        if input.min_length.is_some_and(|min| length < min) {
            let min = input.min_length.unwrap_or_default();
            self.wrong("text", "too_short", format!("text must have at least {min} characters"));
        }
        if input.max_length.is_some_and(|max| length > max) {
            let max = input.max_length.unwrap_or_default();
            self.wrong("text", "too_long", format!("text may have at most {max} characters"));
        }
    }

    fn form(&mut self, form: &Form, members: &Map<String, Value>) {
        if let Some(dismissed) = members.get("_dismissed") {
            if form.dismiss_label.is_none() || *dismissed != Value::Bool(true) || members.len() != 1 {
                self.wrong("_dismissed", "not_offered", "this form cannot be dismissed like that");
            }
            return;
        }
        for name in members.keys() {
            if !form.fields.iter().any(|field| field.name == *name) {
                self.wrong(name, "not_offered", format!("the form has no field {name}"));
            }
        }
        for field in &form.fields {
            let given = members.get(&field.name).filter(|value| !value.is_null() && value.as_str() != Some(""));
            match given {
                None if field.required => self.wrong(&field.name, "required", format!("{} is required", field.name)),
                None => {}
                Some(value) => {
                    if let Err((code, message)) = fits(field, value) {
                        self.wrong(&field.name, code, format!("{} {message}", field.name));
                    }
                }
            }
        }
    }
}

type Misfit = (&'static str, String);

fn fits(field: &Field, value: &Value) -> Result<(), Misfit> {
    let text = || value.as_str().ok_or(("not_a_string", "must be a string".to_owned()));
    let misfit = |code, message: &str| Err((code, message.to_owned()));
    match field.kind {
        FieldType::Text | FieldType::Textarea | FieldType::Password => text().map(drop),
        FieldType::Number | FieldType::Range => number_fits(field, value),
        FieldType::Checkbox => match value.as_bool() {
            None => misfit("not_a_boolean", "must be true or false"),
            Some(false) if field.required => misfit("required", "must be checked"),
            Some(_) => Ok(()),
        },
        FieldType::Email if !is_email(text()?) => misfit("not_an_email", "must be an e-mail address"),
        FieldType::Url if url::Url::parse(text()?).is_err() => misfit("not_a_url", "must be an absolute URL"),
        FieldType::Select if !field.options.iter().any(|option| Some(option.value.as_str()) == value.as_str()) => {
            misfit("not_offered", "must be one of the options")
        }
        FieldType::Date | FieldType::Time | FieldType::Datetime => moment_fits(field, text()?),
        FieldType::Email | FieldType::Url | FieldType::Select => Ok(()),
    }
}

fn number_fits(field: &Field, value: &Value) -> Result<(), Misfit> {
    let number = value.as_f64().ok_or(("not_a_number", "must be a number".to_owned()))?;
    let bound = |bound: &Option<Value>| bound.as_ref().and_then(Value::as_f64);
    if let Some(min) = bound(&field.min).filter(|min| number < *min) {
        return Err(("out_of_range", format!("must be at least {min}")));
    }
    if let Some(max) = bound(&field.max).filter(|max| number > *max) {
        return Err(("out_of_range", format!("may be at most {max}")));
    }
    if let Some(step) = field.step {
        let steps = (number - bound(&field.min).unwrap_or(0.0)) / step;
        if (steps - steps.round()).abs() > 1e-6 {
            return Err(("out_of_step", format!("must lie on a step of {step}")));
        }
    }
    Ok(())
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute][optional [:[second]]]");
const DATETIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute][optional [:[second]]]");

/// Dates and times are what HTML's inputs write; a datetime may also be an RFC 3339 one.
fn moment_fits(field: &Field, text: &str) -> Result<(), Misfit> {
    let (known, like) = match field.kind {
        FieldType::Date => (Date::parse(text, DATE).is_ok(), "2026-01-31"),
        FieldType::Time => (Time::parse(text, TIME).is_ok(), "09:30"),
        _ => {
            let local = PrimitiveDateTime::parse(text, DATETIME).is_ok();
            (local || Timestamp::parse(text).is_some(), "2026-01-31T09:30")
        }
    };
    if !known {
        return Err(("not_a_moment", format!("must be written like {like}")));
    }
    let bound = |bound: &Option<Value>| bound.as_ref().and_then(Value::as_str).map(str::to_owned);
    if let Some(min) = bound(&field.min).filter(|min| text < min.as_str()) {
        return Err(("out_of_range", format!("must not be before {min}")));
    }
    if let Some(max) = bound(&field.max).filter(|max| text > max.as_str()) {
        return Err(("out_of_range", format!("must not be after {max}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(name: &str, payload: Value, response: Value) -> Vec<&'static str> {
        let json = |value| Json::of(&value).ok();
        let kind = Kind::stored(name, json(payload).as_ref());
        match json(response).map(|response| check(&kind, &response)) {
            Some(Err(Error::Invalid(fields))) => fields.into_iter().map(|field| field.code).collect(),
            _ => vec![],
        }
    }

    #[test]
    fn every_field_type_takes_its_own_values_only() {
        let cases = [
            ("text", json!({}), json!("a"), json!(1)),
            ("textarea", json!({}), json!("a\nb"), json!(["a"])),
            ("password", json!({}), json!("secret"), json!({})),
            ("number", json!({"min": 1, "max": 5}), json!(5), json!(5.5)),
            ("number", json!({"step": 0.1}), json!(0.3), json!(0.35)),
            ("range", json!({"min": 0, "max": 10, "step": 5}), json!(5), json!(6)),
            ("number", json!({}), json!(1e300), json!("1")),
            ("email", json!({}), json!("a@b.example"), json!("a b@c")),
            ("url", json!({}), json!("https://x.example/"), json!("x.example")),
            ("select", json!({"options": ["a", {"value": "b", "label": "B"}]}), json!("b"), json!("B")),
            ("checkbox", json!({"required": true}), json!(true), json!(false)),
            ("checkbox", json!({}), json!(false), json!("on")),
            ("date", json!({"min": "2026-01-01"}), json!("2026-02-28"), json!("2026-02-30")),
            ("date", json!({"min": "2026-01-01"}), json!("2026-01-01"), json!("2025-12-31")),
            ("time", json!({"max": "17:00"}), json!("09:30"), json!("17:30")),
            ("datetime", json!({}), json!("2026-01-31T09:30"), json!("2026-01-31")),
            ("datetime", json!({}), json!("2026-01-31T09:30:00Z"), json!("tomorrow")),
        ];
        for (kind, mut field, good, bad) in cases {
            field["name"] = json!("f");
            field["type"] = json!(kind);
            let payload = json!({"fields": [field]});
            assert!(answers("form", payload.clone(), json!({"f": good})).is_empty(), "{kind} takes {good}");
            assert_eq!(answers("form", payload, json!({"f": bad})).len(), 1, "{kind} refuses {bad}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_form_is_named_at_once() {
        let payload = json!({"fields": [
            {"name": "a", "type": "text", "required": true},
            {"name": "b", "type": "number"},
        ]});
        let wrong = answers("form", payload.clone(), json!({"b": "1", "c": 1}));
        assert_eq!(wrong, ["not_offered", "required", "not_a_number"]);
        assert_eq!(answers("form", payload, json!({"_dismissed": true})), ["not_offered"]);
    }
}
