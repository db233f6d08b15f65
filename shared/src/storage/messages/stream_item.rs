//! A stream as the table keeps it, and as a call has read it.

use dynamo::value::s;
use dynamo::{Items, Update, attr};
use serde::Deserialize;

use crate::error::Error;
use crate::ids::{AgentId, MessageId};
use crate::models::StreamId;
use crate::models::stream::StreamState;
use crate::storage::items::StatusEventItem;
use crate::storage::keys;

/// The part of an item that describes a stream: of the stream's own item before there is a draft, of the
/// message's item afterwards.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    pub message_id: Option<MessageId>,
    #[serde(default)]
    pub status_events: Vec<StatusEventItem>,
    pub event_bytes: Option<u64>,
    /// An id for each event, so that one that was sent twice knows itself.
    #[serde(default)]
    pub event_ids: Vec<String>,
    pub stream_state: Option<StreamState>,
}

/// A stream, as it was read.
pub(super) struct Stream {
    pub id: StreamId,
    pub early: Events,
}

impl Stream {
    pub fn found(channel: AgentId, id: &StreamId, items: &mut Items) -> Result<Self, Error> {
        let early = items.take(&keys::stream(channel, id))?.unwrap_or_default();
        Ok(Self { id: id.clone(), early })
    }

    pub fn draft(&self) -> Option<MessageId> {
        self.early.message_id
    }
}

/// Makes `message` the stream's draft, on the condition that it has none and that no status event was appended
/// since the stream was read.
pub(super) fn begin_draft(stream: &Stream, message: MessageId) -> Update {
    let unchanged = match stream.early.event_ids.len() {
        0 => attr("eventIds").absent(),
        events => attr("eventIds").len_is(events),
    };
    Update::new(keys::stream(message.channel(), &stream.id))
        .set("messageId", s(message))
        .remove("statusEvents")
        .remove("eventBytes")
        .remove("eventIds")
        .remove("ttl")
        .when(attr("messageId").absent())
        .when(unchanged)
}
