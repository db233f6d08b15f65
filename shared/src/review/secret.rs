//! Which members of a response are secret: the answers to `password` fields.
//!
//! The payload is read leniently. A payload that does not have the shape of its review's type, or
//! that belongs to a type without fields, still names its password fields.

use serde_json::Value;

use crate::json::Json;
use crate::review::text::squeezed;

/// The names of a payload's password fields.
pub fn password_fields(payload: Option<&Json>) -> Vec<String> {
    // Most payloads have none, and are not parsed.
    let maybe = payload.filter(|payload| mentions_password(payload.as_str()));
    maybe.map(|payload| in_value(&payload.value())).unwrap_or_default()
}

/// The same for a payload that was parsed before.
pub fn in_value(payload: &Value) -> Vec<String> {
    let fields = payload.get("fields").and_then(Value::as_array).into_iter().flatten();
    fields
        .filter(|field| is_password(field))
        .filter_map(|field| field.get("name")?.as_str().map(str::to_owned))
        .collect()
}

fn is_password(field: &Value) -> bool {
    field.get("type").is_some_and(is_password_type)
}

/// Whether a field's `type` makes it a password field, near misses included.
pub fn is_password_type(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| squeezed(kind) == "password")
}

/// A payload may write the word with escapes (`\u0070assword`).
fn mentions_password(payload: &str) -> bool {
    payload.contains('\\') || squeezed(payload).contains("password")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(payload: &str) -> Vec<String> {
        password_fields(Json::parse(payload.to_owned()).as_ref())
    }

    #[test]
    fn password_fields_are_found_however_they_are_written() {
        assert_eq!(fields(r#"{"fields":[{"name":"a","type":"password"},{"name":"b","type":"text"}]}"#), ["a"]);
        assert_eq!(fields(r#"{"fields":[{"name":"a","type":" Password "}]}"#), ["a"]);
        assert_eq!(fields(r#"{"fields":[{"name":"a","type":"Pass-word"}]}"#), ["a"]);
        assert_eq!(fields(r#"{"fields":[{"name":"a","type":"\u0070assword"}]}"#), ["a"]);
        assert_eq!(fields(r#"{"fields":[7,{"type":"password"},{"name":"a","type":"password","label":1}]}"#), ["a"]);
        assert!(fields(r#"{"fields":"password"}"#).is_empty() && fields("[]").is_empty());
        assert!(password_fields(None).is_empty());
    }
}
