//! Streaming messages: the draft, its updates, and its status events.
//!
//! The stream's item says which message is its draft. Before there is one it holds the status
//! events that came early, and they move into the message in the transaction that makes it, so
//! that reading a message never takes a second read. An event's index is its place in the list
//! that it is appended to: nothing is counted, so nothing is counted twice.

use dynamo::value::{Value, count, n, s, to_item};
use dynamo::{Conditional, Key, MAX_ATTEMPTS, Update, attr, pause};

use crate::caller::AgentCaller;
use crate::error::Error;
use crate::ids::{AgentId, MessageId, Nil, new_ulid};
use crate::models::stream::StreamState;
use crate::models::{AddStatus, Message, StatusEvent, StreamId, UpdateStream};
use crate::secrets::SecretHash;
use crate::storage::IdempotentCall;
use crate::storage::items::StatusEventItem;
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::messages::stream_item::{Events, Stream};
use crate::storage::messages::stream_update::Change;
use crate::storage::room;

const MAX_EVENTS: usize = 200;
/// The size of an event without its text, in bytes.
const EVENT_FRAME: usize = 120;
/// How long status events wait for their draft.
const EARLY_LIFE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

impl Messages<'_> {
    pub(super) async fn reload_stream(self, channel: AgentId, stream: &mut Stream) -> Result<(), Error> {
        let mut items = self.store.table.get_items(vec![keys::stream(channel, &stream.id)]).await?;
        *stream = Stream::found(channel, &stream.id, &mut items)?;
        Ok(())
    }

    /// `PATCH`: changes a draft that is still streaming.
    pub async fn update_stream(
        self,
        agent: &AgentCaller,
        stream: StreamId,
        update: UpdateStream,
    ) -> Result<Message, Error> {
        let channel = AgentId::parse_or_nil(&update.channel_id);
        let key = keys::stream(channel, &stream);
        let (_, mut items) = self.store.open_channel(agent, channel, std::slice::from_ref(&key)).await?;
        let record = items.take::<Events>(&key)?;
        let draft = record.and_then(|record| record.message_id).ok_or(Error::NotFound("stream"))?;
        let state = update.state();
        self.write_draft(draft, Change { text: update.text, state, ..Change::default() }).await
    }

    /// Appends a status event to the draft or, before there is one, to the stream. A key is the
    /// event's id, so the list that takes each id once makes the call safe to repeat.
    pub async fn add_status(
        self,
        agent: &AgentCaller,
        stream: StreamId,
        status: AddStatus,
        once: Option<IdempotentCall>,
    ) -> Result<StatusEvent, Error> {
        let channel = AgentId::parse_or_nil(&status.channel_id);
        let key = keys::stream(channel, &stream);
        let (channel, mut items) = self.store.open_channel(agent, channel, std::slice::from_ref(&key)).await?;
        if stream == StreamId::nil() {
            return Err(Error::field(["streamId".into()], "not_an_id", "streamId must have 1 to 256 characters"));
        }
        let mut record: Events = items.take(&key)?.unwrap_or_default();
        let event =
            StatusEventItem { text: status.text, tool_hint: status.tool_hint, created_at: self.store.clock.now() };
        let of_key = |once: IdempotentCall| format!("key:{}", SecretHash::of(&once.client_id).as_str());
        let event_id = once.map_or_else(|| new_ulid(event.created_at).to_string(), of_key);
        for attempt in 0..MAX_ATTEMPTS {
            match self.append_event(&key, record.message_id, &event, &event_id).await? {
                Appended::At(index) => return Ok(event.shown(channel.id(), stream.as_str(), index)),
                Appended::Before(index, earlier) if earlier.has_same_content(&event) => {
                    return Ok(earlier.shown(channel.id(), stream.as_str(), index));
                }
                Appended::Before(..) => return Err(Error::IdempotencyConflict),
                Appended::DraftIs(draft) => record.message_id = Some(draft),
                Appended::DraftIsGone => {
                    pause(attempt).await;
                    record = self.store.table.get(&key).await?.unwrap_or_default();
                }
            }
        }
        Err(Error::unavailable("a stream's draft kept coming and going"))
    }

    async fn append_event(
        self,
        stream: &Key,
        draft: Option<MessageId>,
        event: &StatusEventItem,
        event_id: &str,
    ) -> Result<Appended, Error> {
        let update = match draft {
            Some(draft) => Update::new(keys::message(draft))
                .set("updatedAt", s(self.store.clock.now()))
                .when(attr("streamState").eq(s(StreamState::Streaming.word()))),
            None => Update::new(stream.clone())
                .set("ttl", n(event.created_at.plus(EARLY_LIFE).epoch_seconds()))
                .when(attr("messageId").absent()),
        };
        let weight = event.text.len() + EVENT_FRAME;
        let room = room::MAX_EVENTS.saturating_sub(weight);
        let fits = attr("statusEvents").len_below(MAX_EVENTS).and(attr("eventBytes").le(count(room)));
        let update = update
            .append_or_create("statusEvents", vec![Value::M(to_item(event)?)])
            .append_or_create("eventIds", vec![s(event_id)])
            .add("eventBytes", count(weight))
            .when(attr("statusEvents").absent().or(fits))
            .when(!attr("eventIds").contains(s(event_id)));
        match update.send::<Events>(&self.store.table).await? {
            Conditional::Applied(events) => Ok(Appended::At(events.last())),
            Conditional::Refused(None) => Ok(Appended::DraftIsGone),
            Conditional::Refused(Some(events)) => events.why_not(draft.is_some(), event_id),
        }
    }
}

/// The result of appending an event.
enum Appended {
    At(usize),
    /// The event was appended before, at this index.
    Before(usize, StatusEventItem),
    /// The draft was created in between: this message.
    DraftIs(MessageId),
    /// The draft was deleted in between.
    DraftIsGone,
}

impl Events {
    fn last(&self) -> usize {
        self.status_events.len().saturating_sub(1)
    }

    /// Why an event was not appended to this.
    fn why_not(&self, is_draft: bool, event_id: &str) -> Result<Appended, Error> {
        // The caller or the SDK may have sent this very event twice, with the first reply lost.
        if let Some(index) = self.event_ids.iter().position(|id| id == event_id)
            && let Some(event) = self.status_events.get(index)
        {
            return Ok(Appended::Before(index, event.clone()));
        }
        match self.message_id {
            Some(draft) if !is_draft => Ok(Appended::DraftIs(draft)),
            _ if is_draft && self.stream_state != Some(StreamState::Streaming) => Err(Error::StreamEnded),
            _ => {
                let kib = room::MAX_EVENTS / 1024;
                let sentence = format!("A stream takes at most {MAX_EVENTS} status events, of {kib} KiB together.");
                Err(Error::TooLarge(sentence))
            }
        }
    }
}
