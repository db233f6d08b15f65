//! Messages: reading one. The rest is beside it; what becomes of a review is in `super::reviews`.
//!
//! - `opening`, `create`: making one
//! - `page`: paging through many
//! - `streams`: messages that grow, and their status events
//! - `iterations`: revisions and their numbers
//! - `delivery`: acknowledging, and sending webhooks again
//! - `delete`: deleting one with all that hangs on it
//! - `item`: how the table keeps one

mod create;
mod delete;
mod delivery;
mod item;
mod iterations;
mod opening;
mod page;
mod redraft;
mod streams;

pub use create::Draft;
pub(super) use item::MessageItem;
pub(super) use opening::file_in;
pub use opening::{Begun, Once, Opening, Refers};
pub use page::{MessagePage, PageRequest};
pub use streams::Change;

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::{AgentId, MessageId};
use crate::json::Json;
use crate::models::{Attachment, Message};
use crate::storage::keys::Key;
use crate::storage::{Channel, Store, read, trouble};

/// The most that a list puts into one response: Lambda's 6 MB, less base64 and the envelope.
pub(super) const RESPONSE_BUDGET: usize = 4 * 1024 * 1024;

impl Store {
    /// One message of a channel, its review as it is decided now.
    pub async fn message(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        id: Option<MessageId>,
    ) -> Result<Message, Error> {
        let (_, message) = self.open_message(caller, channel, id).await?;
        self.settled(message).await
    }

    /// A channel and one of its messages, as stored.
    pub async fn open_message(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        id: Option<MessageId>,
    ) -> Result<(Channel, Message), Error> {
        let key = id.filter(|id| Some(id.channel()) == channel).map(Key::message);
        let (channel, mut items) = self.open(caller, channel, key.as_slice()).await?;
        let item = key.map(|key| items.take::<MessageItem>(&key)).transpose()?.flatten();
        Ok((channel, item.map(Message::from).ok_or(Error::NotFound("message"))?))
    }

    /// One read of a message, for waits: eventually consistent costs half.
    pub async fn look(&self, channel: &Channel, id: MessageId, consistent: bool) -> Result<Option<Message>, Error> {
        if id.channel() != channel.id() {
            return Ok(None);
        }
        let get = self.db.get_item().table_name(&*self.table).set_key(Some(Key::message(id).attributes()));
        let item = get.consistent_read(consistent).send().await.map_err(trouble)?.item;
        Ok(item.map(read::<MessageItem>).transpose()?.map(Message::from))
    }
}

/// Cuts a list to what fits one response, but never to nothing; tells whether it had to.
/// Lists without a cursor rather leave texts of attachments out than messages.
pub(super) fn within_budget(messages: &mut Vec<Message>, with_texts: bool) -> bool {
    let mut sum = 0;
    let all = messages.len();
    let fit = messages.iter().take_while(|message| {
        let texts: usize = if with_texts { message.attachments.iter().map(text_weight).sum() } else { 0 };
        sum += weight(message) + texts;
        sum <= RESPONSE_BUDGET
    });
    let fit = fit.count().max(1);
    messages.truncate(fit);
    fit < all
}

/// About how many bytes of a response an attachment's text takes, if it is shown: its JSON is
/// not known before it is read.
pub(super) fn text_weight(attachment: &Attachment) -> usize {
    if attachment.is_shown_as_text() { attachment.size as usize * 3 / 2 } else { 0 }
}

/// At most how many bytes a text takes as JSON.
pub(super) fn escaped(text: &str) -> usize {
    text.len() + text.bytes().filter(|b| *b < b' ' || b"\"\\".contains(b)).count() * 5
}

/// About how many bytes of a response a message takes, the texts of its attachments aside.
pub(super) fn weight(message: &Message) -> usize {
    let json = |json: &Option<Json>| json.as_ref().map_or(0, Json::len);
    let review = message.review.as_ref().map_or(0, |it| json(&it.payload) + json(&it.response) + json(&it.callback));
    let names: usize = message.attachments.iter().map(|it| 500 + escaped(&it.filename)).sum();
    let events: usize = message.status_events.iter().map(|it| 500 + escaped(&it.text)).sum();
    1000 + events + message.text.as_ref().map_or(0, |text| escaped(text)) + json(&message.metadata) + review + names
}
