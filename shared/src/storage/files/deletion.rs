//! Deleting files. One transaction deletes the items, removes them from the message that holds them, and writes
//! a cleanup record; then the objects are deleted. A visible file always has its bytes, wherever a process
//! dies.

use std::collections::BTreeMap;

use dynamo::value::s;
use dynamo::{Conditional, Delete, MAX_ATTEMPTS, Transaction, Update, attr, item_absent, pause};
use futures_util::{StreamExt, stream};

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::{FileId, MessageId};
use crate::models::Message;
use crate::storage::files::Files;
use crate::storage::files::ObjectCleanup;
use crate::storage::items::FileItem;
use crate::storage::items::MessageItem;
use crate::storage::keys::{self, Key, StorageKey};

/// How many messages are written at once.
const MAX_CONCURRENCY: usize = 8;

impl Files<'_> {
    /// Deletes one of a person's files.
    pub async fn delete(self, human: &HumanCaller, id: FileId) -> Result<(), Error> {
        let files: Vec<FileItem> = self.find_owned(human, &[id]).await?.into_iter().flatten().collect();
        if files.is_empty() {
            return Err(Error::NotFound("file"));
        }
        self.delete_items(files).await
    }

    /// Deletes those of some files that are the person's. Gives how many there were. Others count as deleted
    /// already, so that a call which was cut short can be repeated.
    pub async fn delete_many(self, human: &HumanCaller, ids: &[FileId]) -> Result<usize, Error> {
        let files: Vec<FileItem> = self.find_owned(human, ids).await?.into_iter().flatten().collect();
        let count = files.len();
        self.delete_items(files).await?;
        Ok(count)
    }

    /// Deletes files that the caller may delete: items, mentions in messages, and objects. Safe to repeat, and
    /// to run while messages claim or lose the same files.
    pub(super) async fn delete_items(self, mut files: Vec<FileItem>) -> Result<(), Error> {
        for attempt in 0..MAX_ATTEMPTS {
            let changed = self.delete_once(files).await?;
            if changed.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
            files = self.reload(&changed).await?;
        }
        Err(Error::unavailable("files kept changing while they were deleted"))
    }

    /// One transaction for each message that holds some of the files, then the objects. Gives the files for
    /// which it was refused: their message, or the message that holds them, has changed.
    async fn delete_once(self, files: Vec<FileItem>) -> Result<Vec<FileId>, Error> {
        let mut by_message: BTreeMap<Option<MessageId>, Vec<FileItem>> = BTreeMap::new();
        for file in files {
            by_message.entry(file.holder()).or_default().push(file);
        }
        let messages: Vec<Key> = by_message.keys().flatten().copied().map(keys::message).collect();
        let mut found = self.store.table.get_items(messages).await?;
        let mut writes = vec![];
        for (message, files) in by_message {
            let holder = message.map(|id| found.take::<MessageItem>(&keys::message(id))).transpose()?.flatten();
            match message {
                // Files without a message are deleted independently.
                None => writes.extend(files.into_iter().map(|file| (None, vec![file]))),
                Some(_) => writes.push((holder.map(Message::from), files)),
            }
        }
        let writes: Vec<_> = writes
            .into_iter()
            .map(|(holder, files)| async move {
                let cleanup = self.cleanup_of(&files);
                Ok::<_, Error>(match self.deletion(holder, &files, &cleanup)?.commit(&self.store.table).await? {
                    Conditional::Applied(()) => Ok(cleanup),
                    Conditional::Refused(()) => Err(files),
                })
            })
            .collect();
        let ended: Vec<_> = stream::iter(writes).buffered(MAX_CONCURRENCY).collect().await;
        let (mut gone, mut changed, mut trouble) = (vec![], vec![], None);
        for end in ended {
            match end {
                Ok(Ok(cleanup)) => gone.push(cleanup),
                Ok(Err(files)) => changed.extend(files.iter().map(FileItem::id)),
                Err(err) => trouble = Some(err),
            }
        }
        if !gone.is_empty() {
            self.run_cleanups(gone).await;
        }
        trouble.map_or(Ok(changed), Err)
    }

    /// The bytes of some files of one channel.
    fn cleanup_of(self, files: &[FileItem]) -> ObjectCleanup {
        let channel = files[0].id().channel();
        let objects = files.iter().map(|file| file.object().0).collect();
        ObjectCleanup::of_channel(self.store.clock.now(), channel, objects, files.iter().map(|file| file.id().ulid()))
    }

    /// The writes that remove files from the message that holds them, if it still exists, and delete their
    /// items.
    fn deletion(
        self,
        holder: Option<Message>,
        files: &[FileItem],
        cleanup: &ObjectCleanup,
    ) -> Result<Transaction, Error> {
        let mut transaction = Transaction::new();
        let ids: Vec<FileId> = files.iter().map(FileItem::id).collect();
        if let Some(holder) = holder
            && let Some(update) = self.message_without(&holder, &ids)
        {
            transaction.add(update);
        }
        for file in files {
            // A file that is deleted already is no reason for a refusal.
            transaction.add(Delete::new(keys::file(file.id())).when(match file.holder() {
                None => attr("messageId").absent(),
                Some(message) => item_absent().or(attr("messageId").eq(s(message))),
            }));
        }
        transaction.add(cleanup.record()?);
        Ok(transaction)
    }

    /// The message without these files, provided that they are still where they were read.
    fn message_without(self, holder: &Message, files: &[FileId]) -> Option<Update> {
        let places = holder.attachments.iter().enumerate().filter(|(_, file)| files.contains(&file.id));
        let places: Vec<(usize, FileId)> = places.map(|(index, file)| (index, file.id)).collect();
        if places.is_empty() {
            return None;
        }
        let update = Update::new(keys::message(holder.id)).set("updatedAt", s(self.store.clock.now()));
        Some(places.into_iter().fold(update, |update, (index, file)| {
            let is_still_there = attr(format!("attachments[{index}].id")).eq(s(file));
            update.remove(&format!("attachments[{index}]")).when(is_still_there)
        }))
    }

    async fn reload(self, files: &[FileId]) -> Result<Vec<FileItem>, Error> {
        let mut found = self.store.table.get_items(files.iter().copied().map(keys::file).collect()).await?;
        let items = files
            .iter()
            .map(|file| found.take::<FileItem>(&keys::file(*file)))
            .collect::<Result<Vec<Option<FileItem>>, _>>();
        Ok(items?.into_iter().flatten().collect())
    }

    /// Deletes a file that is due because no message has claimed it. Gives whether it still existed unclaimed.
    /// The item is deleted first, so that no message can claim a file without bytes, together with a cleanup
    /// record for its object.
    pub async fn delete_unclaimed(self, file: FileId) -> Result<bool, Error> {
        let now = self.store.clock.now();
        let is_unclaimed = attr("messageId").absent().and(attr("dueSort").lt(s(keys::due_until(now))));
        let object = StorageKey::Upload(file).to_string();
        let cleanup = ObjectCleanup::of_channel(now, file.channel(), vec![object], std::iter::once(file.ulid()));
        let mut transaction = Transaction::new();
        transaction.add(Delete::new(keys::file(file)).when(is_unclaimed));
        transaction.add(cleanup.record()?);
        match transaction.commit(&self.store.table).await? {
            Conditional::Refused(()) => Ok(false),
            Conditional::Applied(()) => {
                self.run_cleanups(vec![cleanup]).await;
                Ok(true)
            }
        }
    }
}
