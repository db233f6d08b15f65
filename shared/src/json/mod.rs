//! JSON of clients: stored and returned exactly as it was sent. Why a body is not JSON is
//! in `fault`; `scan` finds the mistake.

mod fault;
pub mod path;
mod scan;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use serde_json::value::RawValue;

pub use path::{Step, place};

pub use fault::{Fault, MAX_LEVELS, text_of, without_bom};

/// A JSON text that is known to be well-formed, numbers of any size included. It goes into the
/// table as a string and onto the wire as it came.
#[derive(Clone, Debug)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The raw text, once `value` (which is stricter about strings) was parsed from it.
    pub fn raw(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    /// Serializes a value.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// Accepts a well-formed JSON text.
    pub fn parse(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(Self)
    }

    /// The text, exactly as it was sent.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text as serde_json's own type.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The length of the text, in bytes.
    pub fn len(&self) -> usize {
        self.as_str().len()
    }

    /// Whether the text is empty; JSON never is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parsed value, for reading only: see [`parse_lossy`].
    pub fn value(&self) -> Value {
        parse_lossy(self.as_str()).unwrap_or(Value::Null)
    }

    /// An object with a text in the place of one member, all others as they came.
    pub fn with(&self, name: &str, text: &str) -> serde_json::Result<Self> {
        let text = serde_json::value::to_raw_value(text)?;
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(self.as_str())?;
        members.insert(name.to_owned(), &text);
        Self::of(&members)
    }

    /// An object with `***REDACTED***` in the place of some members, all others as they came.
    pub fn without(&self, secret: &[String]) -> serde_json::Result<Self> {
        let redacted: &RawValue = serde_json::from_str("\"***REDACTED***\"")?;
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(self.as_str())?;
        members.iter_mut().filter(|(name, _)| secret.contains(name)).for_each(|(_, member)| *member = redacted);
        Self::of(&members)
    }

    /// An object with other values of some members, all others as they came.
    pub fn with_values(&self, changed: &BTreeMap<String, Value>) -> serde_json::Result<Self> {
        let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(self.as_str())?;
        for (name, value) in changed {
            members.insert(name.clone(), serde_json::value::to_raw_value(value)?);
        }
        Self::of(&members)
    }
}

/// Parses a JSON text for reading. Numbers become what fits `f64` or 64-bit integers; those that
/// are too large for either (`1e999`) count as `1e308`.
pub fn parse_lossy(text: &str) -> serde_json::Result<Value> {
    read_with(text, |number| if number.starts_with('-') { "-1e308" } else { "1e308" }.to_owned())
}

/// Checks that [`parse_lossy`] accepts a text; builds nothing.
pub fn check(text: &str) -> serde_json::Result<()> {
    read_with::<Checked>(text, |_| "0".to_owned()).map(drop)
}

/// Reads a JSON text to compare it: numbers that are too large stay what they are, as texts.
pub fn parse_canonical(text: &str) -> serde_json::Result<Value> {
    read_with(text, |number| format!("\"\\u0000{number}\""))
}

/// serde_json refuses numbers over `f64`: those are written in another way for it.
fn read_with<T: DeserializeOwned>(text: &str, huge: impl Fn(&str) -> String) -> serde_json::Result<T> {
    serde_json::from_str(text).or_else(|err| match with_huge_numbers(text, huge) {
        Some(text) => serde_json::from_str(&text),
        None => Err(err),
    })
}

/// Any JSON value, every string of it decoded and nothing kept.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> de::Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Self, A::Error> {
        while elements.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// The text with each number that no `f64` holds written as `huge` says, if there are any.
fn with_huge_numbers(text: &str, huge: impl Fn(&str) -> String) -> Option<String> {
    let (mut written, mut rest, mut found) = (String::with_capacity(text.len()), text, false);
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, token) = rest.split_at(start);
        let length = if token.starts_with('"') { string_length(token) } else { number_length(token) };
        let (token, after) = token.split_at(length);
        let is_huge = token.parse::<f64>().is_ok_and(f64::is_infinite) && is_well_formed(token);
        found |= is_huge;
        written.push_str(before);
        written.push_str(&if is_huge { huge(token) } else { token.to_owned() });
        rest = after;
    }
    written.push_str(rest);
    found.then_some(written)
}

fn is_well_formed(token: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(token).is_ok()
}

fn number_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(text.len())
}

/// With its quotes, as far as it goes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|b| {
        let is_end = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Read from JSON only, as it stands there.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// For stored shapes: JSON is kept in the table as the string of its text.
pub mod as_text {
    use super::*;

    /// Writes the text itself, or null.
    pub fn serialize<S: Serializer>(json: &Option<Json>, serializer: S) -> Result<S::Ok, S::Error> {
        json.as_ref().map(Json::as_str).serialize(serializer)
    }

    /// Reads an optional JSON text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Json::parse(text).ok_or_else(|| de::Error::custom("not JSON"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        parse_lossy(text).unwrap_or_default()
    }

    #[test]
    fn numbers_that_are_too_large_count_as_large_ones() {
        assert_eq!(value("1e999"), Value::from(1e308));
        assert_eq!(value(" -1.5E+400 "), Value::from(-1e308));
        assert_eq!(value(&"9".repeat(400)), Value::from(1e308));
        let read = value(r#"{"1e999":["-2e999\\",{"\"":1e308}],"a\\":-1e999,"b":[0.5,1e999,7]}"#);
        assert_eq!(read["1e999"][0], "-2e999\\");
        assert_eq!(read["1e999"][1]["\""], 1e308);
        assert_eq!((&read["a\\"], &read["b"][0], &read["b"][2]), (&Value::from(-1e308), &0.5.into(), &7.into()));
        assert_eq!(read["b"][1], Value::from(1e308));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_and_without_them() {
        for text in
            ["1e", "01e999", "+1e999", "1.e999", ".1e999", "1e999e1", "[1e999", "[1e999,]", "1e999 1", "\"1e999"]
        {
            assert!(parse_lossy(text).is_err() && parse_canonical(text).is_err(), "{text}");
        }
        assert!(parse_lossy(&format!("{}1e999{}", "[".repeat(200), "]".repeat(200))).is_err(), "too deep");
        assert!(parse_lossy("[\"\\ud83e\",1e999]").is_err(), "half a character");
    }

    #[test]
    fn compared_they_are_what_they_are() {
        let read = |text| parse_canonical(text).unwrap_or_default();
        assert_ne!(read("[1e999]"), read("[1e998]"));
        assert_ne!(read("[1e999]"), read("[-1e999]"));
        assert_ne!(read("[1e999]"), read("[\"1e999\"]"));
        for text in [r#"{"a":1e999,"b":1}"#, r#"{ "b":1, "a":1e999 }"#] {
            assert_eq!(read(text), serde_json::json!({ "a": "\u{0}1e999", "b": 1 }));
        }
    }
}
