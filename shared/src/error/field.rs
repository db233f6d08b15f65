//! What is wrong with one part of the input.

use serde::Serialize;
use utoipa::ToSchema;

use crate::json::{Step, place};

/// What is wrong with one part of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The way to the field; empty when it is the body as a whole
    #[schema(example = json!(["review", "type"]))]
    pub path: Vec<Step>,
    #[schema(example = "required")]
    pub code: &'static str,
    pub message: String,
}

/// The errors of the first three fields in one sentence, each with its path.
pub(super) fn in_short(fields: &[FieldError]) -> String {
    const MAX_SHOWN: usize = 3;
    let few: Vec<String> = fields.iter().take(MAX_SHOWN).map(FieldError::with_location).collect();
    let more = if fields.len() > MAX_SHOWN {
        format!("; and {} more, see errors", fields.len() - MAX_SHOWN)
    } else {
        String::new()
    };
    few.join("; ") + &more
}

impl FieldError {
    /// The message with the way to its field in it: `review.payload.options[0] must be an object`.
    fn with_location(&self) -> String {
        /// How a message begins that has its field as the subject.
        const VERBS: [&str; 5] = ["must ", "may ", "has ", "is ", "names "];
        let message = self.message.trim_end_matches('.');
        let leaf = match self.path.last() {
            None => return message.to_owned(),
            Some(Step::Name(name)) if self.path.len() == 1 && message.contains(name.as_str()) => {
                return message.to_owned();
            }
            Some(Step::Name(name)) => name.as_str(),
            Some(Step::Index(_)) => "",
        };
        let place = place(&self.path);
        if message.starts_with(&place) {
            return message.to_owned();
        }
        if let Some(rest) = message.strip_prefix(leaf).filter(|rest| !leaf.is_empty() && rest.starts_with(' ')) {
            return format!("{place}{rest}");
        }
        let colon = if VERBS.iter().any(|verb| message.starts_with(verb)) { "" } else { ":" };
        format!("{place}{colon} {message}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn said(path: &[Step], message: &str) -> String {
        Error::field(path.iter().cloned(), "code", message).to_string()
    }

    #[test]
    fn a_message_names_the_place_of_its_field() {
        let option = ["review".into(), "payload".into(), "options".into(), 0.into()];
        for (path, message, expected) in [
            (&option[..], "must be an object", "review.payload.options[0] must be an object"),
            (&option[..3], "options must be an array", "review.payload.options must be an array"),
            (&option[..3], "give at least one", "review.payload.options: give at least one"),
            (&["text".into()], "text must be a string", "text must be a string"),
            (&["text".into()], "give at least one of text, review", "give at least one of text, review"),
            (&["id".into(), 2.into()], "this names nothing", "id[2]: this names nothing"),
            (&["metadata".into(), "a b".into()], "must be short", "metadata[\"a b\"] must be short"),
            (&[], "The body must be a JSON object.", "The body must be a JSON object"),
        ] {
            assert_eq!(said(path, message), format!("The request is not valid: {expected}."));
        }
    }
}
