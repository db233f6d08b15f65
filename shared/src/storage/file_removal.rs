//! Taking files away: the bytes, then the item, together with its mention in the message that
//! holds it. Dying in between leaves files that can be deleted again.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Delete, Update};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::{FileId, MessageId};
use crate::input::Problems;
use crate::models::{Attachment, Message};
use crate::storage::files::FileItem;
use crate::storage::keys::Key;
use crate::storage::messages::MessageItem;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Items, MAX_KEYS, Store, backoff, text};

/// How many messages are written at once.
const SIDE_BY_SIDE: usize = 8;

impl Store {
    /// Deletes one of a person's files.
    pub async fn delete_file(&self, human: &HumanCaller, id: Option<FileId>) -> Result<(), Error> {
        let found = self.files_of(human, &[id]).await?.into_iter().flatten();
        let files: Vec<Attachment> = found.map(Attachment::from).collect();
        if files.is_empty() {
            return Err(Error::NotFound("file"));
        }
        self.remove_files(files).await
    }

    /// Deletes many of a person's files: none of them, when one is not theirs.
    pub async fn delete_files(&self, human: &HumanCaller, ids: &[Option<FileId>]) -> Result<usize, Error> {
        let (mut files, mut problems) = (vec![], Problems::default());
        for (index, item) in self.files_of(human, ids).await?.into_iter().enumerate() {
            match item {
                Some(item) => files.push(Attachment::from(item)),
                None => problems.add(vec!["ids".into(), index.into()], "unknown_file", "there is no such file"),
            }
        }
        let files = problems.or(Some(files))?;
        let count = files.len();
        self.remove_files(files).await?;
        Ok(count)
    }

    /// Removes files that the caller has made sure may go: bytes, items, and what messages say
    /// of them. Safe to repeat, and beside messages that claim or lose the same files.
    pub(super) async fn remove_files(&self, mut files: Vec<Attachment>) -> Result<(), Error> {
        const TRIES: u32 = 6;
        self.blobs.delete(&files).await?;
        for again in 0..TRIES {
            let changed = self.remove_items(&files).await?;
            if changed.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(backoff(again)).await;
            files = self.as_they_are(&changed).await?;
        }
        Err(Error::unavailable("files kept changing while they were deleted"))
    }

    /// One write for each message that holds some of them. Gives the files for which that did not
    /// hold any more: the message, or whose they are, has changed.
    async fn remove_items(&self, files: &[Attachment]) -> Result<Vec<FileId>, Error> {
        let mut by_message: BTreeMap<Option<MessageId>, Vec<FileId>> = BTreeMap::new();
        for file in files {
            by_message.entry(file.message_id).or_default().push(file.id);
        }
        let messages: Vec<Key> = by_message.keys().flatten().copied().map(Key::message).collect();
        let mut found = self.get_many(messages).await?;
        let mut writes = vec![];
        for (message, files) in by_message {
            let holder = message.map(|id| found.take::<MessageItem>(&Key::message(id))).transpose()?.flatten();
            match message {
                // Files of no message have nothing in common.
                None => writes.extend(files.into_iter().map(|file| (None, message, vec![file]))),
                Some(_) => writes.push((holder.map(Message::from), message, files)),
            }
        }
        let writes: Vec<_> = writes
            .into_iter()
            .map(|(holder, message, files)| async move {
                let transaction = self.removal(holder, message, &files)?;
                Ok::<_, Error>(match self.commit(transaction).await? {
                    Outcome::Done => vec![],
                    Outcome::Refused(_) => files,
                })
            })
            .collect();
        let changed: Vec<Vec<FileId>> = stream::iter(writes).buffered(SIDE_BY_SIDE).try_collect().await?;
        Ok(changed.concat())
    }

    /// Takes files out of the message that holds them, if it is still there, and their items away.
    fn removal(
        &self,
        holder: Option<Message>,
        message: Option<MessageId>,
        files: &[FileId],
    ) -> Result<Transaction, Error> {
        let mut transaction = Transaction::default();
        if let Some(holder) = holder
            && let Some(update) = self.without(&holder, files)?
        {
            transaction.update(update);
        }
        for file in files {
            let delete = Delete::builder().table_name(&*self.table).set_key(Some(Key::file(*file).attributes()));
            // What is gone already is as it should be.
            transaction.delete_when(match message {
                None => delete.condition_expression("attribute_not_exists(messageId)"),
                Some(message) => delete
                    .condition_expression("attribute_not_exists(pk) OR messageId = :message")
                    .expression_attribute_values(":message", text(message)),
            })?;
        }
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

    async fn as_they_are(&self, files: &[FileId]) -> Result<Vec<Attachment>, Error> {
        let mut found = self.get_many(files.iter().copied().map(Key::file).collect()).await?;
        let items = files.iter().map(|file| found.take_file(Some(*file))).collect::<Result<Vec<Option<FileItem>>, _>>();
        Ok(items?.into_iter().flatten().map(Attachment::from).collect())
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
