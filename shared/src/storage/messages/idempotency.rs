//! Repeatable calls: a record says which message a client id stands for, and with which body. It is written in
//! one transaction with what the call does.

use dynamo::value::{s, to_item};
use dynamo::{Key, Put, attr, item_absent};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::MessageId;
use crate::models::{Message, SenderType};
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::messages::prepared::PreparedMessage;
use crate::storage::{Channel, IdempotentCall};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientItem {
    pk: String,
    sk: String,
    message_id: MessageId,
    body_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

impl ClientItem {
    pub fn message(&self) -> MessageId {
        self.message_id
    }
}

/// The put that records which message a call is about, refused if an equal call has recorded one. The record of
/// a message that is deleted or used up is replaced.
pub(super) fn client_record(
    opening: &PreparedMessage,
    once: &IdempotentCall,
    message_id: MessageId,
    until: Option<Timestamp>,
) -> Result<Put, Error> {
    let Key { pk, sk } = keys::client(opening.channel.id(), opening.sender, &once.client_id);
    let ttl = until.map(Timestamp::epoch_seconds);
    let record = ClientItem { pk, sk, message_id, body_hash: once.body_hash.clone(), ttl };
    let put = Put::new(to_item(&record)?);
    Ok(match opening.gone {
        None => put.when(item_absent()),
        Some(gone) => put.when(item_absent().or(attr("messageId").eq(s(gone)))),
    })
}

impl Messages<'_> {
    /// The message of an earlier call; `None` if it was deleted.
    pub(super) async fn repeated_message(
        self,
        channel: &Channel,
        record: ClientItem,
        once: &IdempotentCall,
    ) -> Result<Option<Message>, Error> {
        match self.poll(channel, record.message_id, true).await? {
            Some(_) if record.body_hash != once.body_hash => Err(Error::IdempotencyConflict),
            Some(message) => self.store.reviews().resolve_expiry(message).await.map(Some),
            None => Ok(None),
        }
    }

    /// The message of another call with the same client id, if one was first.
    pub(super) async fn find_repeated(
        self,
        channel: &Channel,
        sender: SenderType,
        once: &IdempotentCall,
    ) -> Result<Option<Message>, Error> {
        let key = keys::client(channel.id(), sender, &once.client_id);
        let record = self.store.table.get::<ClientItem>(&key).await?;
        match record {
            Some(record) => self.repeated_message(channel, record, once).await,
            None => Ok(None),
        }
    }

    pub(super) async fn message_of_equal_call(self, opening: &PreparedMessage) -> Result<Message, Error> {
        let deleted = || Error::unavailable("the message of an equal call was deleted meanwhile");
        let once = opening.once.as_ref().ok_or_else(deleted)?;
        self.find_repeated(&opening.channel, opening.sender, once).await?.ok_or_else(deleted)
    }
}
