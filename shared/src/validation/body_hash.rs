//! Hashes of JSON by its meaning: two bodies that say the same have the same hash.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::hex;
use crate::json;
use crate::validation::JsonObject;

impl JsonObject<'_> {
    /// A hash of what the object says: the order of members and spaces do not count.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (name, raw) in &self.members {
            hasher.update(Value::from(name.as_str()).to_string());
            canonical_text(raw, &mut hasher);
        }
        hex::encode(&hasher.finalize())
    }

    /// The same of one member; none of one that is absent, null or an empty array.
    pub fn hash_of(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        let is_empty = serde_json::from_str::<[(); 0]>(raw.get()).is_ok();
        let mut hasher = (!is_empty).then(Sha256::new)?;
        canonical_text(raw, &mut hasher);
        Some(hex::encode(&hasher.finalize()))
    }
}

/// Feeds a value to a hash with its members in order. Of what is large only one level is built at a
/// time.
fn canonical_text(raw: &RawValue, hasher: &mut Sha256) {
    const SMALL: usize = 64 * 1024;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') if text.len() > SMALL => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
            hasher.update("{");
            for (name, member) in members {
                hasher.update(Value::from(name).to_string());
                canonical_text(member, hasher);
            }
            hasher.update("}");
        }
        Some(b'[') if text.len() > SMALL => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            hasher.update("[");
            elements.into_iter().for_each(|element| canonical_text(element, hasher));
            hasher.update("]");
        }
        _ => canonical(&json::parse_canonical(text).unwrap_or(Value::Null), hasher),
    }
}

/// The same of a value that was built.
fn canonical(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            hasher.update("{");
            for (name, member) in sorted {
                hasher.update(Value::from(name.as_str()).to_string());
                canonical(member, hasher);
            }
            hasher.update("}");
        }
        Value::Array(elements) => {
            hasher.update("[");
            elements.iter().for_each(|element| canonical(element, hasher));
            hasher.update("]");
        }
        scalar => {
            hasher.update(scalar.to_string());
            hasher.update(",");
        }
    }
}
