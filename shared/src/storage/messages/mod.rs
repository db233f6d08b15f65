//! Messages: reading one. Reviews have a folder of their own.
//!
//! - `prepare`, `create`: creating a message, with the types of `prepared`; `upload`: with a file that is uploaded; `idempotency`: creating it once
//! - `list`: pages of a channel's messages; `latest`: the latest of many channels
//! - `streams`: streaming messages and their status events; `stream_update`: posting a stream again; `stream_item`: a stream as read
//! - `iterations`: revisions and their numbers
//! - `supersede`: replacing the pending review of an earlier message
//! - `delivery_status`: acknowledging, and requesting a webhook again
//! - `history`: what happened to a message, kept when the message of a decided act is deleted
//! - `delete`: deleting a message with everything that belongs to it

mod create;
mod delete;
mod delivery_status;
mod history;
mod idempotency;
mod iterations;
mod latest;
mod list;
mod prepare;
mod prepared;
mod stream_item;
mod stream_update;
mod streams;
mod supersede;
mod upload;

pub use create::NewMessage;
pub use prepared::{IsUsed, Prepared, PreparedMessage, References};
pub use stream_update::Change;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId, Nil};
use crate::models::Message;
use crate::storage::items::MessageItem;
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
