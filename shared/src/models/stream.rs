//! Messages that grow while people watch, and the status events of their sender.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, Nil, NotAnId};
use crate::models::text::text;
use crate::validation::{FromObject, JsonObject, ValidationErrors};
use crate::words::words;

/// Characters of a stream's id.
pub const MAX_STREAM_ID: usize = 256;
/// Characters of a status event.
const MAX_STATUS_TEXT: usize = 2000;

/// Where a streamed message stands
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    Streaming,
    Complete,
    Aborted,
}

words!(StreamState { "streaming" => Streaming, "complete" => Complete, "aborted" => Aborted });

/// The name that an agent gives to a stream; unique within its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamId(String);

impl StreamId {
    /// The id as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Nil for StreamId {
    fn nil() -> Self {
        Self(String::new())
    }
}

impl FromStr for StreamId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let fits = !text.trim().is_empty() && text.chars().count() <= MAX_STREAM_ID;
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
    }
}

/// The members that the call which creates a draft sets for good: a hash of each member's meaning, by the
/// member's name, so that a call which repeats the stream can be held against it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SetWithDraft(BTreeMap<String, String>);

impl SetWithDraft {
    const MEMBERS: [&str; 6] =
        ["review", "attachmentIds", "textAttachments", "iterationOf", "supersedes", "webhookUrl"];

    /// The hashes of those members that `object` has.
    pub fn of(object: &JsonObject<'_>) -> Self {
        let hashes = Self::MEMBERS.iter().map(|name| Some(((*name).to_owned(), object.hash_of(name)?)));
        Self(hashes.flatten().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members with their hashes.
    pub fn hashes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, hash)| (name.as_str(), hash.as_str()))
    }

    /// Names each member that a call says otherwise than this. What it leaves out stands.
    pub fn stands(&self, said: &Self) -> Result<(), Error> {
        let mut problems = ValidationErrors::default();
        for (name, _) in said.0.iter().filter(|(name, hash)| self.0.get(*name) != Some(*hash)) {
            let sentence = format!("{name} is set when the draft is made, and the draft's is another");
            problems.add(vec![name.as_str().into()], "set_with_draft", sentence);
        }
        problems.finish(Some(()))
    }
}

/// One status event of a stream, as it was sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusEvent {
    pub channel_id: AgentId,
    pub stream_id: String,
    /// Counts from 0.
    pub index: usize,
    #[schema(example = "Reading the report")]
    pub text: String,
    /// Whether the step is the use of a tool.
    pub tool_hint: bool,
    pub created_at: Timestamp,
}

/// `PATCH /api/v1/messages/streams/{streamId}`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct UpdateStream {
    /// The agent's id.
    pub channel_id: String,
    /// The whole text so far: it takes the place of what was there. At most 200 KiB.
    #[schema(example = "The report says that ...")]
    pub text: Option<String>,
    /// `true` ends the stream, as `streamState` `complete` does.
    pub complete: Option<bool>,
    /// `complete` and `aborted` end the stream.
    pub stream_state: Option<StreamState>,
}

impl FromObject for UpdateStream {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let text = text(object);
        let complete = object.boolean("complete");
        let stream_state = object.one_of("streamState", &StreamState::WORDS);
        let ended = stream_state.filter(|state| *state != StreamState::Complete);
        if complete == Some(true) && ended.is_some() {
            object.problem("streamState", "contradictory", "complete and streamState say different things");
        }
        Some(Self { channel_id: channel_id?, text, complete, stream_state })
    }
}

impl UpdateStream {
    /// The state that the update asks for, if it asks for one.
    pub fn state(&self) -> Option<StreamState> {
        if self.complete == Some(true) { Some(StreamState::Complete) } else { self.stream_state }
    }
}

/// `POST /api/v1/messages/streams/{streamId}/status`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AddStatus {
    /// The agent's id.
    pub channel_id: String,
    #[schema(min_length = 1, max_length = 2000, example = "Reading the report")]
    pub text: String,
    /// Whether the step is the use of a tool.
    #[schema(value_type = Option<bool>, default = false)]
    pub tool_hint: bool,
}

impl FromObject for AddStatus {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let text = object.require("text", |o| o.id("text", MAX_STATUS_TEXT));
        let tool_hint = object.boolean("toolHint").unwrap_or_default();
        Some(Self { channel_id: channel_id?, text: text?, tool_hint })
    }
}
