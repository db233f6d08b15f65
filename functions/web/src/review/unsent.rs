//! What was written in a form that came too late: it was not stored, and the page shows it once more.

use shared::json::Json;
use shared::review::form::{Field, FieldType};
use shared::review::{Act, Kind};

use crate::extract::FormFields;
use crate::review::answer::{input_name, submitted};
use crate::review::field::default_value;

/// The texts that a person wrote or changed, without passwords.
pub fn texts(kind: &Kind, act: Option<&Act>, typed: &FormFields) -> Vec<String> {
    let mut texts: Vec<String> = match kind {
        Kind::Form(form) => form.fields.iter().filter_map(|field| of_field(field, typed)).collect(),
        Kind::TextInput(input) => {
            let prefill = input.prefill.as_deref().map(submitted);
            typed.filled("text").filter(|text| Some(text) != prefill.as_ref()).into_iter().collect()
        }
        Kind::Freeform => typed.filled("json").filter(|json| json != "{}").into_iter().collect(),
        Kind::Approval(_) | Kind::Selection(_) => vec![],
    };
    texts.extend(["comment", "feedback"].into_iter().filter_map(|name| typed.filled(name)));
    let is_edited = |args: &String| {
        let same = |act: &Act| Json::parse(args.trim().to_owned()).is_some_and(|args| act.is_as_asked(&args));
        act.is_some_and(|act| !same(act))
    };
    texts.extend(typed.filled("editedArgs").filter(is_edited));
    texts
}

fn of_field(field: &Field, typed: &FormFields) -> Option<String> {
    use FieldType::{Email, Text, Textarea, Url};
    let is_written = matches!(field.kind, Text | Textarea | Email | Url);
    typed.filled(&input_name(field)).filter(|text| is_written && *text != submitted(&default_value(field)))
}
