//! Deleting a message with all that hangs on it.

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::{Message, StreamId};
use crate::storage::keys::Key;
use crate::storage::leftovers::Leftovers;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Channel, Store};

impl Store {
    /// Deletes a message with its files, its idempotency record and its stream. The items go
    /// first, for a revision may win against the deletion, and then it keeps its bytes.
    pub async fn delete_message(
        &self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: Option<MessageId>,
    ) -> Result<(), Error> {
        let (channel, message) = self.open_message(caller, channel, id).await?;
        if message.iteration_group_id.is_some() {
            return Err(in_a_chain());
        }
        let leftovers = leftovers_of(self, &message);
        match self.commit(self.deletion(&channel, &message, leftovers.as_ref())?).await? {
            Outcome::Done => {}
            // Another call deleted it, and what has come under its client id since is not ours;
            // or it was revised.
            Outcome::Refused(_) => {
                let now = self.look(&channel, message.id, true).await?;
                return Err(now.map_or(Error::NotFound("message"), |_| in_a_chain()));
            }
        }
        self.clear_away(leftovers.into_iter().collect()).await;
        Ok(())
    }

    fn deletion(
        &self,
        channel: &Channel,
        message: &Message,
        leftovers: Option<&Leftovers>,
    ) -> Result<Transaction, Error> {
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
        if let Some(leftovers) = leftovers {
            self.note(&mut transaction, leftovers)?;
        }
        Ok(transaction)
    }
}

fn leftovers_of(store: &Store, message: &Message) -> Option<Leftovers> {
    let files = &message.attachments;
    (!files.is_empty()).then(|| Leftovers::of_files(store, message.channel_id, files))
}

fn in_a_chain() -> Error {
    let sentence = "this message is part of a chain of iterations, whose members are kept together";
    Error::field(["id".into()], "in_a_chain", sentence)
}
