//! Creating files that a later message may claim. A call is safe to repeat with an `Idempotency-Key`; so is a
//! direct upload (`direct_upload`).

use std::slice;

use bytes::Bytes;
use dynamo::value::to_item;
use dynamo::{Conditional, Put, Transaction};
use futures_util::{TryStreamExt, stream};

use crate::caller::Caller;
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::{AgentId, FileId, Nil};
use crate::limits::quotas::Stored;
use crate::models::file::{FileLabel, PluginType};
use crate::models::{Attachment, NewFile, SenderType};
use crate::storage::files::Files;
use crate::storage::files::ObjectCleanup;
use crate::storage::files::{UploadedFiles, too_late};
use crate::storage::idempotency::{Call, CallOf};
use crate::storage::items::FileItem;
use crate::storage::keys::{self, StorageKey};
use crate::storage::{Channel, IdempotentCall};

/// How many files are put at once.
const MAX_CONCURRENCY: usize = 8;

/// A file that may be created.
pub(in crate::storage) struct PreparedFile {
    pub channel: Channel,
    pub call: Option<Call>,
    /// What an equal call created.
    pub earlier: Option<FileItem>,
    pub sender: SenderType,
}

/// The writes that create a file.
enum Write {
    Call,
    File,
}

impl FileLabel {
    /// A new file of this name and type, without bytes yet.
    pub fn attachment(self, channel: AgentId, size: u64, clock: &Clock) -> Attachment {
        let id = FileId::new(channel, clock.stamp());
        let image = self.mime_type.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("image/"));
        Attachment {
            id,
            message_id: None,
            channel_id: channel,
            plugin_type: if image { PluginType::Image } else { PluginType::File },
            filename: self.filename,
            mime_type: self.mime_type,
            size,
            storage_key: StorageKey::Upload(id).to_string(),
            created_at: clock.now(),
            text_content: None,
        }
    }
}

impl Files<'_> {
    /// Stores a file for a message to claim: its bytes, then the item that makes it visible.
    pub async fn create(
        self,
        caller: impl Into<Caller>,
        channel: &str,
        of: CallOf,
        file: NewFile,
        once: Option<IdempotentCall>,
    ) -> Result<Attachment, Error> {
        let PreparedFile { channel, call, earlier, .. } = self.prepare(caller, channel, of, once).await?;
        if let Some(earlier) = earlier {
            return Ok(earlier.into());
        }
        let UploadedFiles { mut files, cleanup } = self.upload(&channel, vec![file]).await?;
        let file = files.pop().ok_or_else(|| Error::internal("a file got lost"))?;
        let mut transaction = Transaction::new();
        if let Some(call) = &call {
            transaction.push(Write::Call, self.store.call_record(call, file.id)?);
        }
        if let Some(cleanup) = &cleanup {
            transaction.push(Write::File, cleanup.cancel(self.store.clock.now()));
        }
        transaction.push(Write::File, Put::create(to_item(&FileItem::new(&channel, &file))?));
        match (transaction.commit(&self.store.table).await?, call) {
            (Conditional::Applied(()), _) => Ok(file),
            (Conditional::Refused(Write::Call), Some(call)) => {
                self.run_cleanups(cleanup.into_iter().collect()).await;
                self.file_of_equal_call(&call).await.map(Attachment::from)
            }
            (Conditional::Refused(_), _) => Err(too_late()),
        }
    }

    /// Opens the channel for a file, and looks for what an equal call made in the same read.
    pub(in crate::storage) async fn prepare(
        self,
        caller: impl Into<Caller>,
        channel: &str,
        of: CallOf,
        once: Option<IdempotentCall>,
    ) -> Result<PreparedFile, Error> {
        let caller = caller.into();
        let (sender, id) = (caller.sender(), AgentId::parse_or_nil(channel));
        let mut call = once.map(|once| Call::new(keys::call(id, sender, of, &once.client_id), once));
        let also = call.as_ref().map(|call| slice::from_ref(&call.key)).unwrap_or_default();
        let (channel, mut items) = self.store.open_channel(caller, id, also).await?;
        let made = call.as_mut().map(|call| call.earlier(&mut items)).transpose()?.flatten();
        let earlier = match made {
            Some(made) => self.created_file(&made).await?,
            None => None,
        };
        Ok(PreparedFile { channel, call, earlier, sender })
    }

    async fn created_file(self, made: &str) -> Result<Option<FileItem>, Error> {
        let Ok(id) = made.parse::<FileId>() else { return Ok(None) };
        Ok(self.store.table.get(&keys::file(id)).await?)
    }

    /// The file of the call that was first, though this one did not see it.
    pub(in crate::storage) async fn file_of_equal_call(self, call: &Call) -> Result<FileItem, Error> {
        let made = self.store.made_by_equal_call(call).await?;
        let file = self.created_file(&made).await?;
        file.ok_or_else(|| Error::unavailable("the file of an equal call was deleted meanwhile"))
    }

    /// Uploads the bytes of files, after a cleanup record for them. They are invisible until items name them;
    /// the transaction that writes the items cancels the cleanup.
    pub async fn upload(self, channel: &Channel, files: Vec<NewFile>) -> Result<UploadedFiles, Error> {
        if files.is_empty() {
            return Ok(UploadedFiles::default());
        }
        let bytes = files.iter().map(|file| file.bytes.len() as u64).sum();
        self.check_quota(channel.owner(), Stored::Files, bytes)?;
        let attachment = |file: NewFile| {
            let size = file.bytes.len() as u64;
            (file.label.attachment(channel.id(), size, &self.store.clock), file.bytes)
        };
        let (files, bytes): (Vec<Attachment>, Vec<Bytes>) = files.into_iter().map(attachment).unzip();
        let cleanup = ObjectCleanup::of_files(self.store.clock.now(), channel.id(), &files);
        self.record_cleanup(&cleanup).await?;
        stream::iter(files.iter().zip(bytes).map(Ok))
            .try_for_each_concurrent(MAX_CONCURRENCY, |(file, bytes)| {
                self.store.blobs.put(&file.storage_key, &file.mime_type, bytes)
            })
            .await?;
        Ok(UploadedFiles { files, cleanup: Some(cleanup) })
    }
}
