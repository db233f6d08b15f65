//! Taking files away: the item, together with its mention in the message that holds it and a note
//! of the bytes; then the bytes. Nobody sees a file without its bytes, whatever dies when.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::{FileId, MessageId};
use crate::models::Message;
use crate::storage::Store;
use crate::storage::files::{FileItem, take_file};
use crate::storage::keys::{self, Key};
use crate::storage::leftovers::Leftovers;
use crate::storage::messages::MessageItem;
use dynamo::value::s;
use dynamo::{Conditional, Delete, MAX_ATTEMPTS, Transaction, Update, attr, item_absent, pause};

/// How many messages are written at once.
const SIDE_BY_SIDE: usize = 8;

impl Store {
    /// Deletes one of a person's files.
    pub async fn delete_file(&self, human: &HumanCaller, id: Option<FileId>) -> Result<(), Error> {
        let files: Vec<FileItem> = self.files_of(human, &[id]).await?.into_iter().flatten().collect();
        if files.is_empty() {
            return Err(Error::NotFound("file"));
        }
        self.remove_files(files).await
    }

    /// Deletes those of many files that are a person's; how many there were. Others are as ones
    /// that are deleted already, so that a call which was cut short can be repeated.
    pub async fn delete_files(&self, human: &HumanCaller, ids: &[Option<FileId>]) -> Result<usize, Error> {
        let files: Vec<FileItem> = self.files_of(human, ids).await?.into_iter().flatten().collect();
        let count = files.len();
        self.remove_files(files).await?;
        Ok(count)
    }

    /// Removes files that the caller has made sure may go: items, what messages say of them, and
    /// bytes. Safe to repeat, and beside messages that claim or lose the same files.
    pub(super) async fn remove_files(&self, mut files: Vec<FileItem>) -> Result<(), Error> {
        for attempt in 0..MAX_ATTEMPTS {
            let changed = self.remove_items(files).await?;
            if changed.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
            files = self.as_they_are(&changed).await?;
        }
        Err(Error::unavailable("files kept changing while they were deleted"))
    }

    /// One write for each message that holds some of them, and the bytes of those that went. Gives
    /// the files for which that did not hold any more: the message, or whose they are, has changed.
    async fn remove_items(&self, files: Vec<FileItem>) -> Result<Vec<FileId>, Error> {
        let mut by_message: BTreeMap<Option<MessageId>, Vec<FileItem>> = BTreeMap::new();
        for file in files {
            by_message.entry(file.holder()).or_default().push(file);
        }
        let messages: Vec<Key> = by_message.keys().flatten().copied().map(keys::message).collect();
        let mut found = self.table.get_items(messages).await?;
        let mut writes = vec![];
        for (message, files) in by_message {
            let holder = message.map(|id| found.take::<MessageItem>(&keys::message(id))).transpose()?.flatten();
            match message {
                // Files of no message have nothing in common.
                None => writes.extend(files.into_iter().map(|file| (None, vec![file]))),
                Some(_) => writes.push((holder.map(Message::from), files)),
            }
        }
        let writes: Vec<_> = writes
            .into_iter()
            .map(|(holder, files)| async move {
                let leftovers = self.leftovers_of(&files);
                Ok::<_, Error>(match self.removal(holder, &files, &leftovers)?.commit(&self.table).await? {
                    Conditional::Applied(()) => Ok(leftovers),
                    Conditional::Refused(()) => Err(files),
                })
            })
            .collect();
        let ended: Vec<_> = stream::iter(writes).buffered(SIDE_BY_SIDE).collect().await;
        let (mut gone, mut changed, mut trouble) = (vec![], vec![], None);
        for end in ended {
            match end {
                Ok(Ok(leftovers)) => gone.push(leftovers),
                Ok(Err(files)) => changed.extend(files.iter().map(FileItem::id)),
                Err(err) => trouble = Some(err),
            }
        }
        if !gone.is_empty() {
            self.clear_away(gone).await;
        }
        trouble.map_or(Ok(changed), Err)
    }

    /// The bytes of some files of one channel.
    fn leftovers_of(&self, files: &[FileItem]) -> Leftovers {
        let channel = files[0].id().channel();
        let objects = files.iter().map(|file| file.object().0).collect();
        Leftovers::of_channel(self, channel, objects, files.iter().map(|file| file.id().ulid()))
    }

    /// Takes files out of the message that holds them, if it is still there, and their items away.
    fn removal(
        &self,
        holder: Option<Message>,
        files: &[FileItem],
        leftovers: &Leftovers,
    ) -> Result<Transaction, Error> {
        let mut transaction = Transaction::new();
        let ids: Vec<FileId> = files.iter().map(FileItem::id).collect();
        if let Some(holder) = holder
            && let Some(update) = self.without(&holder, &ids)
        {
            transaction.add(update);
        }
        for file in files {
            // What is gone already is as it should be.
            transaction.add(Delete::new(keys::file(file.id())).when(match file.holder() {
                None => attr("messageId").absent(),
                Some(message) => item_absent().or(attr("messageId").eq(s(message))),
            }));
        }
        transaction.add(leftovers.record()?);
        Ok(transaction)
    }

    /// The message without these files, provided that they are still where they were read.
    fn without(&self, holder: &Message, files: &[FileId]) -> Option<Update> {
        let places = holder.attachments.iter().enumerate().filter(|(_, file)| files.contains(&file.id));
        let places: Vec<(usize, FileId)> = places.map(|(index, file)| (index, file.id)).collect();
        if places.is_empty() {
            return None;
        }
        let update = Update::new(keys::message(holder.id)).set("updatedAt", s(self.clock.now()));
        Some(places.into_iter().fold(update, |update, (index, file)| {
            let is_still_there = attr(format!("attachments[{index}].id")).eq(s(file));
            update.remove(&format!("attachments[{index}]")).when(is_still_there)
        }))
    }

    async fn as_they_are(&self, files: &[FileId]) -> Result<Vec<FileItem>, Error> {
        let mut found = self.table.get_items(files.iter().copied().map(keys::file).collect()).await?;
        let items =
            files.iter().map(|file| take_file(&mut found, Some(*file))).collect::<Result<Vec<Option<FileItem>>, _>>();
        Ok(items?.into_iter().flatten().collect())
    }
}
