//! Deleting a message with everything that belongs to it.

use dynamo::value::s;
use dynamo::{Conditional, Delete, Put, Transaction, attr, item_absent, until_applied_from};

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::{Message, StreamId};
use crate::storage::Channel;
use crate::storage::files::ObjectCleanup;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::messages::history::is_unchanged;

impl Messages<'_> {
    /// Deletes a message with its files, its idempotency record and its stream. The items are deleted before
    /// the objects: a revision may be first, and then the message keeps its files.
    pub async fn delete(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<(), Error> {
        let (channel, item) = self.load_item(caller, channel, id).await?;
        // Another call deleted, revised or decided it.
        let read = || async {
            let now = self.store.table.poll::<MessageItem>(&keys::message(id), true).await?;
            now.ok_or(Error::NotFound("message"))
        };
        until_applied_from("a message", item, read, |item: MessageItem| async {
            if item.iteration_group_id.is_some() {
                return Err(in_a_chain());
            }
            let mut writes = Transaction::new();
            // A chain always has at least two members.
            let is_alone = is_unchanged(&item).and(attr("iterationGroupId").absent());
            writes.push(Write::Message, Delete::new(keys::message(id)).when(is_alone));
            if let Some(history) = self.kept_history(&item)? {
                writes.push(Write::Message, Put::new(history));
            }
            let message = Message::from(item);
            let cleanup = cleanup_of(self.store.clock.now(), &message);
            delete_belongings(&mut writes, &channel, &message, cleanup.as_ref())?;
            let mut with_record = writes.clone();
            if let Some(client_id) = &message.client_id {
                // Once the answer is used up, the next call with this client id asks anew and takes over the record.
                let is_own = item_absent().or(attr("messageId").eq(s(id)));
                let record = keys::client(channel.id(), message.sender_type, client_id);
                with_record.push(Write::ClientRecord, Delete::new(record).when(is_own));
            }
            let done = match with_record.commit(&self.store.table).await? {
                Conditional::Refused(Write::ClientRecord) => writes.commit(&self.store.table).await?,
                done => done,
            };
            if !done.is_applied() {
                return Ok(None);
            }
            self.store.files().run_cleanups(cleanup.into_iter().collect()).await;
            Ok(Some(()))
        })
        .await
    }
}

/// The writes that delete a message.
#[derive(Clone, Copy)]
enum Write {
    /// The message, and what belongs to it alone.
    Message,
    /// The record of the call that made it, which may be another message's by now.
    ClientRecord,
}

/// Adds the writes that delete what belongs to a message.
fn delete_belongings(
    transaction: &mut Transaction<Write>,
    channel: &Channel,
    message: &Message,
    cleanup: Option<&ObjectCleanup>,
) -> Result<(), Error> {
    for file in &message.attachments {
        transaction.push(Write::Message, Delete::new(keys::file(file.id)));
    }
    if let Some(Ok(stream)) = message.stream_id.as_deref().map(str::parse::<StreamId>) {
        transaction.push(Write::Message, Delete::new(keys::stream(channel.id(), &stream)));
    }
    if let Some(cleanup) = cleanup {
        transaction.push(Write::Message, cleanup.record()?);
    }
    Ok(())
}

fn cleanup_of(now: Timestamp, message: &Message) -> Option<ObjectCleanup> {
    let files = &message.attachments;
    (!files.is_empty()).then(|| ObjectCleanup::of_files(now, message.channel_id, files))
}

fn in_a_chain() -> Error {
    let sentence = "this message is part of a chain of iterations, whose members are kept together";
    Error::field(["id".into()], "in_a_chain", sentence)
}
