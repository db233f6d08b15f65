//! Where something is in a JSON document.

use serde::Serialize;
use utoipa::ToSchema;

/// One step of the path to a field: a name, or a position in an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Step {
    Name(String),
    Index(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The path to a field as it is written in code: `review.payload.options[0]`, `metadata["a b"]`.
pub fn place(path: &[Step]) -> String {
    const MAX_NAME: usize = 64;
    let mut written = String::new();
    for step in path {
        match step {
            Step::Index(index) => written.push_str(&format!("[{index}]")),
            Step::Name(name) => {
                let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                let short: String = name.chars().take(MAX_NAME).collect();
                if name.is_empty() || !short.chars().all(plain) {
                    written.push_str(&format!("[{}]", serde_json::Value::from(short)));
                } else {
                    written.push_str(if written.is_empty() { "" } else { "." });
                    written.push_str(&short);
                }
            }
        }
    }
    written
}
