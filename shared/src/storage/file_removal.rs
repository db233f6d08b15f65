//! Taking files away: the item, together with its mention in the message that holds it and a note
//! of the bytes; then the bytes. Nobody sees a file without its bytes, whatever dies when.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Delete, Update};
use futures_util::{StreamExt, stream};

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::{FileId, MessageId};
use crate::models::Message;
use crate::storage::files::FileItem;
use crate::storage::keys::Key;
use crate::storage::leftovers::Leftovers;
use crate::storage::messages::MessageItem;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Items, MAX_KEYS, Store, backoff, text};

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
        const TRIES: u32 = 6;
        for again in 0..TRIES {
            let changed = self.remove_items(files).await?;
            if changed.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(backoff(again)).await;
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
        let messages: Vec<Key> = by_message.keys().flatten().copied().map(Key::message).collect();
        let mut found = self.get_many(messages).await?;
        let mut writes = vec![];
        for (message, files) in by_message {
            let holder = message.map(|id| found.take::<MessageItem>(&Key::message(id))).transpose()?.flatten();
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
                Ok::<_, Error>(match self.commit(self.removal(holder, &files, &leftovers)?).await? {
                    Outcome::Done => Ok(leftovers),
                    Outcome::Refused(_) => Err(files),
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
        let mut transaction = Transaction::default();
        let ids: Vec<FileId> = files.iter().map(FileItem::id).collect();
        if let Some(holder) = holder
            && let Some(update) = self.without(&holder, &ids)?
        {
            transaction.update(update);
        }
        for file in files {
            let delete = Delete::builder().table_name(&*self.table).set_key(Some(Key::file(file.id()).attributes()));
            // What is gone already is as it should be.
            transaction.delete_when(match file.holder() {
                None => delete.condition_expression("attribute_not_exists(messageId)"),
                Some(message) => delete
                    .condition_expression("attribute_not_exists(pk) OR messageId = :message")
                    .expression_attribute_values(":message", text(message)),
            })?;
        }
        self.note(&mut transaction, leftovers)?;
        Ok(transaction)
    }

    /// The message without these files, provided that they are still where they were read.
    fn without(&self, holder: &Message, files: &[FileId]) -> Result<Option<Update>, Error> {
        let places = holder.attachments.iter().enumerate().filter(|(_, file)| files.contains(&file.id));
        let places: Vec<(usize, FileId)> = places.map(|(index, file)| (index, file.id)).collect();
        if places.is_empty() {
            return Ok(None);
        }
        let removed: Vec<String> = places.iter().map(|(index, _)| format!("attachments[{index}]")).collect();
        let still: Vec<String> =
            places.iter().map(|(index, _)| format!("attachments[{index}].id = :f{index}")).collect();
        let mut update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::message(holder.id).attributes()))
            .update_expression(format!("SET updatedAt = :now REMOVE {}", removed.join(", ")))
            .condition_expression(still.join(" AND "))
            .expression_attribute_values(":now", text(self.clock.now()));
        for (index, file) in places {
            update = update.expression_attribute_values(format!(":f{index}"), text(file));
        }
        update.build().map(Some).map_err(Error::internal)
    }

    async fn as_they_are(&self, files: &[FileId]) -> Result<Vec<FileItem>, Error> {
        let mut found = self.get_many(files.iter().copied().map(Key::file).collect()).await?;
        let items = files.iter().map(|file| found.take_file(Some(*file))).collect::<Result<Vec<Option<FileItem>>, _>>();
        Ok(items?.into_iter().flatten().collect())
    }

    /// Strongly consistent reads of any number of items.
    async fn get_many(&self, keys: Vec<Key>) -> Result<Items, Error> {
        let mut found = Items::default();
        for some in keys.chunks(MAX_KEYS) {
            found.0.extend(self.get_all(some.to_vec()).await?.0);
        }
        Ok(found)
    }
}
