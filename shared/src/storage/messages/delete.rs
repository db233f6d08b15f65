//! Deleting a message with all that hangs on it.

use dynamo::{Conditional, Delete, Transaction, attr, item_exists};

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::{Message, StreamId};
use crate::storage::Channel;
use crate::storage::files::ObjectCleanup;
use crate::storage::keys;
use crate::storage::messages::Messages;

impl Messages<'_> {
    /// Deletes a message with its files, its idempotency record and its stream. The items are deleted before
    /// the objects: a revision may be first, and then the message keeps its files.
    pub async fn delete(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<(), Error> {
        let (channel, message) = self.load(caller, channel, id).await?;
        if message.iteration_group_id.is_some() {
            return Err(in_a_chain());
        }
        let leftovers = leftovers_of(self.store.clock.now(), &message);
        match deletion(&channel, &message, leftovers.as_ref())?.commit(&self.store.table).await? {
            Conditional::Applied(()) => {}
            // Another call deleted or revised it. What was created under its client id since then belongs to
            // another message.
            Conditional::Refused(()) => {
                let now = self.poll(&channel, message.id, true).await?;
                return Err(now.map_or(Error::NotFound("message"), |_| in_a_chain()));
            }
        }
        self.store.files().run_cleanups(leftovers.into_iter().collect()).await;
        Ok(())
    }
}

/// The writes that delete a message with everything that belongs to it.
fn deletion(channel: &Channel, message: &Message, leftovers: Option<&ObjectCleanup>) -> Result<Transaction, Error> {
    let mut transaction = Transaction::new();
    // A chain always has at least two members.
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

fn leftovers_of(now: Timestamp, message: &Message) -> Option<ObjectCleanup> {
    let files = &message.attachments;
    (!files.is_empty()).then(|| ObjectCleanup::of_files(now, message.channel_id, files))
}

fn in_a_chain() -> Error {
    let sentence = "this message is part of a chain of iterations, whose members are kept together";
    Error::field(["id".into()], "in_a_chain", sentence)
}
