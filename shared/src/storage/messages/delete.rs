//! Deleting a message with all that hangs on it.

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::{Message, StreamId};
use crate::storage::keys;
use crate::storage::leftovers::Leftovers;
use crate::storage::{Channel, Store};
use dynamo::{Conditional, Delete, Transaction, attr, item_exists};

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
        match deletion(&channel, &message, leftovers.as_ref())?.commit(&self.table).await? {
            Conditional::Applied(()) => {}
            // Another call deleted it, and what has come under its client id since is not ours;
            // or it was revised.
            Conditional::Refused(()) => {
                let now = self.look(&channel, message.id, true).await?;
                return Err(now.map_or(Error::NotFound("message"), |_| in_a_chain()));
            }
        }
        self.clear_away(leftovers.into_iter().collect()).await;
        Ok(())
    }
}

/// The writes that delete a message with everything that belongs to it.
fn deletion(channel: &Channel, message: &Message, leftovers: Option<&Leftovers>) -> Result<Transaction, Error> {
    let mut transaction = Transaction::new();
    // A member of a chain has others beside it: a chain of one is never made.
    let is_alone = item_exists().and(attr("iterationGroupId").absent());
    transaction.add(Delete::new(keys::message(message.id)).when(is_alone));
    for file in &message.attachments {
        transaction.add(Delete::new(keys::file(file.id)));
    }
    if let Some(client_id) = &message.client_id {
        transaction.add(Delete::new(keys::client(channel.id(), message.sender_type, client_id)));
    }
    if let Some(Ok(stream)) = message.stream_id.as_deref().map(str::parse::<StreamId>) {
        transaction.add(Delete::new(keys::stream(channel.id(), &stream)));
    }
    if let Some(leftovers) = leftovers {
        transaction.add(leftovers.record()?);
    }
    Ok(transaction)
}

fn leftovers_of(store: &Store, message: &Message) -> Option<Leftovers> {
    let files = &message.attachments;
    (!files.is_empty()).then(|| Leftovers::of_files(store, message.channel_id, files))
}

fn in_a_chain() -> Error {
    let sentence = "this message is part of a chain of iterations, whose members are kept together";
    Error::field(["id".into()], "in_a_chain", sentence)
}
