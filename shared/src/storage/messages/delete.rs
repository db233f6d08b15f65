//! Deleting a message with all that hangs on it.

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::{AgentId, MessageId};
use crate::meter;
use crate::models::{Message, StreamId};
use crate::storage::keys::Key;
use crate::storage::removal_note::RemovalNote;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Channel, Store, trouble};

impl Store {
    /// Deletes a message with its files, its idempotency record and its stream. The items go
    /// first, for a revision may win against the deletion, and then it keeps its bytes.
    pub async fn delete_message(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        id: Option<MessageId>,
        blobs: &Blobs,
    ) -> Result<(), Error> {
        let (channel, message) = self.open_message(caller, channel, id).await?;
        if message.iteration_group_id.is_some() {
            return Err(in_a_chain());
        }
        match self.commit(self.deletion(&channel, &message)?).await? {
            Outcome::Done => {}
            // Another call deleted it, and what has come under its client id since is not ours;
            // or it was revised.
            Outcome::Refused(_) => {
                let now = self.look(&channel, message.id, true).await?;
                return Err(now.map_or(Error::NotFound("message"), |_| in_a_chain()));
            }
        }
        if !message.attachments.is_empty() {
            match blobs.delete(&message.attachments).await {
                Ok(()) => self.removed(message.id),
                // The message is gone, and the note says what else has to go.
                Err(err) => tracing::warn!(code = err.code(), "the bytes of a deleted message are still there"),
            }
        }
        Ok(())
    }

    fn deletion(&self, channel: &Channel, message: &Message) -> Result<Transaction, Error> {
        let mut transaction = Transaction::default();
        // A member of a chain has others beside it: a chain of one is never made.
        transaction.delete_without(self, &Key::message(message.id), "iterationGroupId")?;
        for file in &message.attachments {
            transaction.delete(self, &Key::file(file.id))?;
        }
        if let Some(client_id) = &message.client_id {
            transaction.delete(self, &Key::client(channel.id(), message.sender_type, client_id))?;
        }
        if let Some(Ok(stream)) = message.stream_id.as_deref().map(str::parse::<StreamId>) {
            transaction.delete(self, &Key::stream(channel.id(), &stream))?;
        }
        if !message.attachments.is_empty() {
            let files = message.attachments.iter().map(|file| file.id).collect();
            let key = Key::message_removal(message.id);
            transaction.create(self, RemovalNote::new(key, message.id.ulid(), self.clock.now(), files).item()?)?;
        }
        Ok(transaction)
    }

    /// Takes the note away. When that fails, the bytes are deleted once more.
    fn removed(&self, message: MessageId) {
        let key = Key::message_removal(message).attributes();
        let delete = self.db.delete_item().table_name(&*self.table).set_key(Some(key));
        meter::off_path(async move {
            if let Err(err) = delete.send().await.map_err(trouble) {
                tracing::debug!(code = err.code(), "a removal's note was kept");
            }
        });
    }
}

fn in_a_chain() -> Error {
    let sentence = "this message is part of a chain of iterations, whose members are kept together";
    Error::field(["id".into()], "in_a_chain", sentence)
}
