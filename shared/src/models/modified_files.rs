//! The files that a person changed while answering: a list, or which file became which.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use crate::error::Step;
use crate::json::Json;
use crate::models::request::MAX_ATTACHMENTS;
use crate::validation::JsonObject;

/// Given back as it was given.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ModifiedFiles {
    /// Ids of changed files.
    List(Vec<String>),
    /// The id of the changed file, by that of the original.
    #[schema(value_type = BTreeMap<String, String>)]
    Edits(Json),
}

impl ModifiedFiles {
    const NAME: &'static str = "modifiedFileIds";

    /// Reads the member; an empty one is none.
    pub fn member(object: &mut JsonObject<'_>) -> Option<Self> {
        if object.value(Self::NAME).is_some_and(|value| value.is_object()) {
            let edits = object.string_map(Self::NAME)?;
            if edits.len() > MAX_ATTACHMENTS {
                let sentence = format!("{} may have at most {MAX_ATTACHMENTS} members", Self::NAME);
                object.problem(Self::NAME, "too_many", sentence);
                return None;
            }
            return object.json_object(Self::NAME).filter(|_| !edits.is_empty()).map(Self::Edits);
        }
        object.strings(Self::NAME, MAX_ATTACHMENTS).filter(|ids| !ids.is_empty()).map(Self::List)
    }

    /// The changed files, each with the way to it in the input.
    pub fn files(&self) -> Vec<(Vec<Step>, String)> {
        let path = |step: Step| vec![Self::NAME.into(), step];
        match self {
            Self::List(ids) => ids.iter().enumerate().map(|(index, id)| (path(index.into()), id.clone())).collect(),
            Self::Edits(edits) => {
                let edits: BTreeMap<String, String> = serde_json::from_str(edits.as_str()).unwrap_or_default();
                edits.into_iter().map(|(original, edited)| (path(original.as_str().into()), edited)).collect()
            }
        }
    }

    /// About how many bytes of an item it takes.
    pub fn len(&self) -> usize {
        match self {
            Self::List(ids) => ids.iter().map(String::len).sum(),
            Self::Edits(edits) => edits.len(),
        }
    }

    /// Whether no file is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// For the stored shape: a list stays one, an object is kept as its text.
pub mod stored {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        List(Vec<String>),
        Text(String),
    }

    /// Writes the value as it was sent, or null.
    pub fn serialize<S: Serializer>(files: &Option<ModifiedFiles>, serializer: S) -> Result<S::Ok, S::Error> {
        match files {
            None => serializer.serialize_none(),
            Some(ModifiedFiles::List(ids)) => ids.serialize(serializer),
            Some(ModifiedFiles::Edits(edits)) => edits.as_str().serialize(serializer),
        }
    }

    /// Reads an optional value from its stored text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ModifiedFiles>, D::Error> {
        match Option::<Stored>::deserialize(deserializer)? {
            None => Ok(None),
            Some(Stored::List(ids)) => Ok(Some(ModifiedFiles::List(ids))),
            Some(Stored::Text(text)) => {
                let edits = Json::parse(text).ok_or_else(|| de::Error::custom("not JSON"))?;
                Ok(Some(ModifiedFiles::Edits(edits)))
            }
        }
    }
}
