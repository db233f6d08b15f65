//! Calls that are safe to repeat: a record says which message a client id stands for, and with
//! which body. It is written in one transaction with what the call does.

use aws_sdk_dynamodb::types::Put;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::MessageId;
use crate::models::{Message, SenderType};
use crate::storage::keys::Key;
use crate::storage::messages::opening::{Once, Opening};
use crate::storage::writing::Transaction;
use crate::storage::{Channel, Store, text, written};

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

impl Store {
    /// The write that says which message a call is about, provided that no equal call has done so.
    /// The record of a message that is gone gives way.
    pub(super) fn record_call(
        &self,
        transaction: &mut Transaction,
        opening: &Opening,
        once: &Once,
        message_id: MessageId,
        until: Option<Timestamp>,
    ) -> Result<(), Error> {
        let Key { pk, sk } = Key::client(opening.channel.id(), opening.sender, &once.client_id);
        let ttl = until.map(Timestamp::epoch_seconds);
        let record = ClientItem { pk, sk, message_id, body_hash: once.body_hash.clone(), ttl };
        let put = Put::builder().table_name(&*self.table).set_item(Some(written(&record)?));
        transaction.put_if(match opening.gone {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(gone) => put
                .condition_expression("attribute_not_exists(pk) OR messageId = :gone")
                .expression_attribute_values(":gone", text(gone)),
        })
    }

    /// The message of an earlier call; `None` when it was deleted meanwhile.
    pub(super) async fn repeat_of(
        &self,
        channel: &Channel,
        record: ClientItem,
        once: &Once,
    ) -> Result<Option<Message>, Error> {
        match self.look(channel, record.message_id, true).await? {
            Some(_) if record.body_hash != once.body_hash => Err(Error::IdempotencyConflict),
            Some(message) => self.settled(message).await.map(Some),
            None => Ok(None),
        }
    }

    /// The message of another call with the same client id, if one was first.
    pub(super) async fn lost_to(
        &self,
        channel: &Channel,
        sender: SenderType,
        once: &Once,
    ) -> Result<Option<Message>, Error> {
        let key = Key::client(channel.id(), sender, &once.client_id);
        let record = self.get_all(vec![key.clone()]).await?.take::<ClientItem>(&key)?;
        match record {
            Some(record) => self.repeat_of(channel, record, once).await,
            None => Ok(None),
        }
    }

    pub(super) async fn message_of_equal_call(&self, opening: &Opening) -> Result<Message, Error> {
        let deleted = || Error::unavailable("the message of an equal call was deleted meanwhile");
        let once = opening.once.as_ref().ok_or_else(deleted)?;
        self.lost_to(&opening.channel, opening.sender, once).await?.ok_or_else(deleted)
    }
}
