//! What tools take and answer.

use serde_json::value::RawValue;
use shared::error::Error;
use shared::json::Json;

use crate::api::Session;
use crate::rpc::{Members, raw, text_of};

/// What a tool answers.
pub enum Answer {
    /// An object, which is also shown as text.
    Structured(Box<RawValue>),
    Text(String),
    Task(Members),
}

impl Answer {
    /// The object that a route answered with.
    pub fn object(json: &Json) -> Self {
        Self::Structured(json.as_raw().to_owned())
    }

    /// A list, as the member of an object.
    pub fn list(name: &str, list: &Json) -> Result<Self, Error> {
        Ok(Self::Structured(raw(&Members::from([(name.to_owned(), list.as_raw().to_owned())]))?))
    }
}

/// The id of a message among the arguments.
pub async fn message_id(session: &Session, arguments: &Members) -> Result<String, Error> {
    match text_of(arguments, "messageId") {
        Some(id) => Ok(id),
        None => Err(session.refusal("messageId", "required", "messageId must be the id of a message").await),
    }
}

/// The query that names the channel of a call about one message, if the caller names one.
pub fn channel_query(channel: &Option<String>) -> Vec<(&str, &str)> {
    channel.iter().map(|channel| ("channel", channel.as_str())).collect()
}

/// Some of the arguments, as the members of a body; those that are null are left out.
pub fn picked(arguments: &Members, names: &[&str]) -> Members {
    let given = names.iter().filter_map(|name| Some(((*name).to_owned(), arguments.get(*name)?.clone())));
    given.filter(|(_, value)| value.get() != "null").collect()
}
