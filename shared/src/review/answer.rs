//! Whether a response is one that its review offers.
//!
//! | type | response |
//! |---|---|
//! | approval | `{"selectedOption": id, "comment"?: text}`; of an act, `"editedArgs"?: object` too |
//! | selection | `{"selectedIds": [id, ...]}`: one for single, at least one for multi |
//! | form | `{name: value, ...}` of its fields, or `{"_dismissed": true}` when it can be dismissed |
//! | text-input | `{"text": text}`, lengths in Unicode scalar values |
//! | freeform and unknown | any object |
//!
//! A choice is stored as it was offered: the option `1` that is answered as `"1"` becomes `1`.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::json::Json;
use crate::review::act::{self, Act, Effect, MAX_ACT};
use crate::review::choice::Choice;
use crate::review::form::limits::Misfit;
use crate::review::form::{Field, FieldType, Form, Limits};
use crate::review::text::is_blank;
use crate::review::{Approval, Kind, Selection, TextInput};
use crate::validation::ValidationErrors;
use crate::validation::email::is_email;

/// The response as it is stored, which is as it came unless a choice is written otherwise than it
/// was offered. The error names every member that does not fit.
pub fn checked(kind: &Kind, act: Option<&Act>, response: Json) -> Result<Json, Error> {
    let mut found = Findings::default();
    let value = response.value();
    let Some(members) = value.as_object() else {
        return Err(Error::field(["response".into()], "not_an_object", "response must be an object"));
    };
    match kind {
        Kind::Approval(approval) => {
            found.approval(approval, members);
            if let Some(act) = act {
                found.edits(approval, act, &response, members)?;
            }
        }
        Kind::Selection(selection) => found.selection(selection, members),
        Kind::Form(form) => found.form(form, members),
        Kind::TextInput(input) => found.text_input(input, members),
        Kind::Freeform => {}
    }
    found.problems.finish(Some(()))?;
    let changed: BTreeMap<_, _> =
        found.offered.into_iter().filter(|(name, value)| members.get(name) != Some(value)).collect();
    if changed.is_empty() {
        return Ok(response);
    }
    response.with_values(&changed).map_err(Error::internal)
}

/// The arguments that a response puts in the place of its act's.
pub fn edited_args(response: &Json) -> Option<Json> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(response.as_str()).ok()?;
    members.get("editedArgs").filter(|raw| raw.get() != "null").map(|raw| Json::raw(raw))
}

/// What a response that was accepted does to the act of its review.
pub fn effect(approval: &Approval, response: &Json) -> Option<Effect> {
    named(&approval.options, response.value().get("selectedOption")).map(Choice::effect)
}

#[derive(Default)]
struct Findings {
    problems: ValidationErrors,
    /// Members that name choices, with the values that were offered.
    offered: BTreeMap<String, Value>,
}

impl Findings {
    fn wrong(&mut self, member: &str, code: &'static str, message: impl Into<String>) {
        self.problems.add(vec!["response".into(), member.into()], code, message);
    }

    fn approval(&mut self, approval: &Approval, members: &Map<String, Value>) {
        match named(&approval.options, members.get("selectedOption")) {
            Some(choice) => {
                self.offered.insert("selectedOption".to_owned(), choice.value.clone());
            }
            None => {
                let ids: Vec<&str> = approval.options.iter().map(|option| option.id.as_str()).collect();
                let message = format!("selectedOption must be one of {}", ids.join(", "));
                self.wrong("selectedOption", "not_offered", message);
            }
        }
        match members.get("comment") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if approval.allow_comment || text.is_empty() => {}
            Some(Value::String(_)) => self.wrong("comment", "not_offered", "this review takes no comment"),
            Some(_) => self.wrong("comment", "not_a_string", "comment must be a string"),
        }
    }

    /// What is wrong with the edited arguments of an act, if there are any. A name that is there twice is
    /// refused anywhere in the response, because readers may disagree on what was chosen.
    fn edits(
        &mut self,
        approval: &Approval,
        act: &Act,
        response: &Json,
        members: &Map<String, Value>,
    ) -> Result<(), Error> {
        if !act::check_exact(response, &["response".into()], "/editedArgs", &mut self.problems) {
            return Ok(());
        }
        let Some(edited) = edited_args(response) else { return Ok(()) };
        if edited.len() > MAX_ACT {
            return Err(Error::TooLarge("editedArgs may have at most 32 KiB.".to_owned()));
        }
        let chosen = named(&approval.options, members.get("selectedOption"));
        if chosen.is_some_and(|option| option.effect() == Effect::Deny) {
            self.wrong("editedArgs", "not_offered", "editedArgs comes only with an option that allows the action");
        } else if !edited.as_str().starts_with('{') {
            self.wrong("editedArgs", "not_an_object", "editedArgs must be an object");
        } else {
            act.check_edits(&edited, &mut self.problems);
        }
        Ok(())
    }

    fn selection(&mut self, selection: &Selection, members: &Map<String, Value>) {
        let Some(ids) = members.get("selectedIds").and_then(Value::as_array) else {
            return self.wrong("selectedIds", "required", "selectedIds must be an array of ids");
        };
        if ids.len() > selection.items.len() {
            return self.wrong("selectedIds", "repeated", "selectedIds names more ids than were offered");
        }
        let chosen: Vec<_> = ids.iter().filter_map(|id| named(&selection.items, Some(id))).collect();
        if chosen.len() != ids.len() {
            self.wrong("selectedIds", "not_offered", "selectedIds may only name ids that were offered");
        }
        let mut seen = HashSet::new();
        if !chosen.iter().all(|choice| seen.insert(&choice.id)) {
            self.wrong("selectedIds", "repeated", "selectedIds names an id twice");
        }
        match (selection.many, ids.len()) {
            (false, 1) | (true, 1..) => {}
            (false, _) => self.wrong("selectedIds", "wrong_count", "exactly one id must be selected"),
            (true, 0) => self.wrong("selectedIds", "wrong_count", "at least one id must be selected"),
        }
        let values = chosen.into_iter().map(|choice| choice.value.clone());
        self.offered.insert("selectedIds".to_owned(), values.collect());
    }

    fn text_input(&mut self, input: &TextInput, members: &Map<String, Value>) {
        let Some(text) = members.get("text").and_then(Value::as_str) else {
            return self.wrong("text", "required", "text must be a string");
        };
        let length = text.chars().count() as u64;
        if let Some(min) = input.min_length.filter(|min| length < *min) {
            self.wrong("text", "too_short", format!("text must have at least {min} characters"));
        } else if input.min_length.is_some_and(|min| min > 0) && is_blank(text) {
            self.wrong("text", "blank", "text must not be blank");
        }
        if let Some(max) = input.max_length.filter(|max| length > *max) {
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
            let given = members.get(&field.name).filter(|value| !is_empty(value));
            match given.map(|value| fits(field, value)) {
                None if field.required => self.wrong(&field.name, "required", format!("{} is required", field.name)),
                None => {}
                Some(Ok(stored)) => {
                    self.offered.extend(stored.map(|value| (field.name.clone(), value)));
                }
                Some(Err((code, message))) => self.wrong(&field.name, code, format!("{} {message}", field.name)),
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn named<'a>(choices: &'a [Choice], id: Option<&Value>) -> Option<&'a Choice> {
    choices.iter().find(|choice| id.is_some_and(|id| choice.is(id)))
}

/// Whether a field takes the value, and for a choice the value that was offered.
fn fits(field: &Field, value: &Value) -> Result<Option<Value>, Misfit> {
    let text = || value.as_str().ok_or(("not_a_string", "must be a string".to_owned()));
    let misfit = |code, message: &str| Err((code, message.to_owned()));
    match field.limits {
        Limits::Numbers(numbers) => {
            let number = value.as_f64().ok_or(("not_a_number", "must be a number".to_owned()))?;
            return numbers.check(number).map(|()| None);
        }
        Limits::Moments(moments) => {
            let known = moments.precision.answered(text()?);
            let like = || ("not_a_moment", format!("must be written like {}", moments.precision.example()));
            return moments.check(known.ok_or_else(like)?).map(|()| None);
        }
        Limits::None => {}
    }
    match field.kind {
        FieldType::Checkbox => match value.as_bool() {
            None => return misfit("not_a_boolean", "must be true or false"),
            Some(false) if field.required => return misfit("required", "must be checked"),
            Some(_) => {}
        },
        FieldType::Select | FieldType::Radio => return choice(field, value).map(Some),
        _ if field.required && is_blank(text()?) => return misfit("required", "must not be blank"),
        FieldType::Email if !is_email(text()?) => return misfit("not_an_email", "must be an e-mail address"),
        FieldType::Url if !is_inert_url(text()?) => {
            return misfit("not_a_url", "must be an absolute URL, and none that is a script");
        }
        _ => drop(text()?),
    }
    Ok(None)
}

/// Whether a text is an absolute URL that runs nothing where an agent shows it as a link.
fn is_inert_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| !["javascript", "data", "vbscript", "blob"].contains(&url.scheme()))
}

/// One of the options, or an array of some where several may be chosen.
fn choice(field: &Field, value: &Value) -> Result<Value, Misfit> {
    let offered = |value: &Value| {
        let option = field.options.iter().find(|option| option.is(value) && !option.text.is_empty());
        option.map(|option| option.value.clone())
    };
    if !field.many {
        return offered(value).ok_or(("not_offered", "must be one of the options".to_owned()));
    }
    let given = value.as_array().ok_or(("not_an_array", "must be an array of options".to_owned()))?;
    if given.len() > field.options.len() {
        return Err(("too_many", "names more options than there are".to_owned()));
    }
    let chosen: Vec<Value> = given.iter().filter_map(offered).collect();
    if chosen.len() != given.len() {
        return Err(("not_offered", "may only name the options".to_owned()));
    }
    if chosen.iter().enumerate().any(|(index, value)| chosen[..index].contains(value)) {
        return Err(("repeated", "names an option twice".to_owned()));
    }
    Ok(Value::Array(chosen))
}

#[cfg(test)]
mod tests;
