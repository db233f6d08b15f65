//! How the table keeps a status event.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::AgentId;
use crate::models::StatusEvent;

/// A status event as a message or a stream lists it: its place is its index.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusEventItem {
    pub text: String,
    pub tool_hint: bool,
    pub created_at: Timestamp,
}

impl StatusEventItem {
    /// Whether it has the same content.
    pub fn has_same_content(&self, other: &Self) -> bool {
        (&self.text, self.tool_hint) == (&other.text, other.tool_hint)
    }

    /// The event as clients see it, at its place in the list.
    pub fn shown(self, channel_id: AgentId, stream_id: &str, index: usize) -> StatusEvent {
        let Self { text, tool_hint, created_at } = self;
        StatusEvent { channel_id, stream_id: stream_id.to_owned(), index, text, tool_hint, created_at }
    }
}

/// The events of a list as clients see them.
pub(super) fn shown_events(
    channel: AgentId,
    stream_id: Option<&str>,
    events: Vec<StatusEventItem>,
) -> Vec<StatusEvent> {
    let stream_id = stream_id.unwrap_or_default();
    events.into_iter().enumerate().map(|(index, event)| event.shown(channel, stream_id, index)).collect()
}
