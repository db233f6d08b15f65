//! Messages: reading one. Reviews have a folder of their own.
//!
//! - `prepare`, `create`: creating a message; `idempotency`: creating it once
//! - `list`: pages of a channel's messages
//! - `streams`: streaming messages and their status events; `stream_update`: posting a stream again
//! - `iterations`: revisions and their numbers
//! - `supersede`: replacing the pending review of an earlier message
//! - `delivery_status`: acknowledging, and requesting a webhook again
//! - `history`: what happened to a message, kept when the message of a decided act is deleted
//! - `delete`: deleting a message with everything that belongs to it
//! - `item`: the stored form; `room`: the size that an item keeps free

mod create;
mod delete;
mod delivery_status;
mod history;
mod idempotency;
mod item;
mod iterations;
mod list;
mod prepare;
pub(super) mod room;
mod stream_update;
mod streams;
mod supersede;

pub use create::NewMessage;
pub(super) use item::{DecisionItem, MessageItem};
pub(super) use prepare::file_in;
pub use prepare::{IdempotentCall, Prepared, PreparedMessage, References};
pub use stream_update::Change;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId, Nil};
use crate::json::Json;
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Attachment, Message, Review};
use crate::storage::keys;
use crate::storage::{Channel, Store};

/// Messages of channels, with their streams and iterations.
#[derive(Clone, Copy)]
pub struct Messages<'a> {
    pub(super) store: &'a Store,
}

impl Messages<'_> {
    /// One message of a channel, its review as it is decided now.
    pub async fn get(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<Message, Error> {
        let (_, message) = self.load(caller, channel, id).await?;
        self.store.reviews().resolve_expiry(message).await
    }

    /// A channel and one of its messages, as stored. Without a channel it is the one that the id
    /// names.
    pub async fn load(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<(Channel, Message), Error> {
        self.load_item(caller, channel, id).await.map(|(channel, item)| (channel, item.into()))
    }

    /// The same, with all that is stored of the message.
    pub(super) async fn load_item(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<(Channel, MessageItem), Error> {
        let (channel, is_named) = match channel.into() {
            MaybeChannel::Named(channel) => (channel, true),
            MaybeChannel::Absent => (id.channel(), false),
        };
        let key = keys::message(id);
        let also = if id.channel() == channel { std::slice::from_ref(&key) } else { &[] };
        let opened = self.store.open_channel(caller, channel, also).await;
        // Without a channel, what is no message id is simply no message.
        let is_message = is_named || id != MessageId::nil();
        let (channel, mut items) = opened.map_err(|err| if is_message { err } else { err.or_not_found("message") })?;
        let item = items.take::<MessageItem>(&key)?;
        Ok((channel, item.ok_or(Error::NotFound("message"))?))
    }

    /// One read of a message, for waits: eventually consistent costs half.
    pub async fn poll(self, channel: &Channel, id: MessageId, consistent: bool) -> Result<Option<Message>, Error> {
        if id.channel() != channel.id() {
            return Ok(None);
        }
        let item = self.store.table.poll::<MessageItem>(&keys::message(id), consistent).await?;
        Ok(item.map(Message::from))
    }
}

/// Cuts a list to what fits one response, but never to nothing. Lists without a cursor rather
/// leave texts of attachments out than messages.
pub(super) fn within_budget(messages: &mut Vec<Message>) {
    let mut sum = 0;
    let fit = messages.iter().take_while(|message| {
        sum += weight(message);
        sum <= MAX_PAGE_BYTES
    });
    let fit = fit.count().max(1);
    messages.truncate(fit);
}

/// About how many bytes of a response an attachment's text takes, if it is shown: its JSON is
/// not known before it is read.
pub(super) fn text_weight(attachment: &Attachment) -> usize {
    if attachment.is_shown_as_text() { attachment.size as usize * 3 / 2 } else { 0 }
}

/// The most bytes that a text takes as JSON inside Lambda's response, which is itself a JSON string: a control
/// character is `\\u0001` there.
pub(super) fn escaped(text: &str) -> usize {
    text.len() + text.bytes().filter(|b| *b < b' ' || b"\"\\".contains(b)).count() * 6
}

/// How many bytes JSON takes in such a string.
fn quoted(json: &Option<Json>) -> usize {
    json.as_ref().map_or(0, quoted_text)
}

fn quoted_text(json: &Json) -> usize {
    json.len() + json.as_str().bytes().filter(|b| b"\"\\".contains(b)).count()
}

/// About how many bytes of a response a message takes, the texts of its attachments aside.
pub(super) fn weight(message: &Message) -> usize {
    let review = |it: &Review| {
        let feedback = it.feedback.as_deref().map_or(0, escaped);
        let reason = it.cancel_reason.as_deref().map_or(0, escaped);
        let decided = it.decision.as_ref().map_or(0, |it| escaped(&it.action.name) + quoted_text(&it.action.args));
        let receipt = it.receipt.as_ref().map_or(0, String::len);
        let known = quoted(&it.payload) + quoted(&it.action) + quoted(&it.response) + quoted(&it.callback);
        known + feedback + reason + decided + receipt
    };
    let names: usize = message.attachments.iter().map(|it| 500 + escaped(&it.filename)).sum();
    let events: usize = message.status_events.iter().map(|it| 500 + escaped(&it.text)).sum();
    let text = message.text.as_deref().map_or(0, escaped);
    1000 + events + text + quoted(&message.metadata) + message.review.as_ref().map_or(0, review) + names
}

/// The same with those texts.
fn weight_with_texts(message: &Message) -> usize {
    weight(message) + message.attachments.iter().map(text_weight).sum::<usize>()
}
