//! JSON that is somebody else's: kept and given back exactly as it was sent.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON text that is known to be well-formed, numbers of any size included. It goes into the
/// table as a string and onto the wire as it came.
#[derive(Clone, Debug)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The raw text, once `value` (which is stricter about strings) was parsed from it.
    pub fn raw(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    pub fn parse(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(Self)
    }

    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    pub fn len(&self) -> usize {
        self.as_str().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// To look into, not to pass on: numbers become what fits `f64` or 64-bit integers.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.as_str()).unwrap_or(Value::Null)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// For stored shapes: JSON is kept in the table as the string of its text.
pub mod as_text {
    use super::*;

    pub fn serialize<S: Serializer>(json: &Option<Json>, serializer: S) -> Result<S::Ok, S::Error> {
        json.as_ref().map(Json::as_str).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Json::parse(text).ok_or_else(|| de::Error::custom("not JSON"))).transpose()
    }
}
