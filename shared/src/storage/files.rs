//! Files: the item beside the bytes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, FileId, MessageId, UserId};
use crate::models::{Attachment, NewFile};
use crate::storage::keys::{self, Key, StorageKey, due, owned};
use crate::storage::{Blobs, Channel, Store, all_of, written};

/// A file that no message claims within this time may be removed.
const UNCLAIMED_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileItem {
    pk: String,
    sk: String,
    owner_id: UserId,
    owner_sort: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_sort: Option<String>,
    /// Absent until a message claims the file: that is the condition of claiming it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<MessageId>,
    id: FileId,
    filename: String,
    mime_type: String,
    plugin_type: crate::models::file::PluginType,
    size: u64,
    created_at: Timestamp,
}

impl From<FileItem> for Attachment {
    fn from(item: FileItem) -> Self {
        Self {
            id: item.id,
            message_id: item.message_id,
            channel_id: item.id.channel(),
            plugin_type: item.plugin_type,
            filename: item.filename,
            mime_type: item.mime_type,
            size: item.size,
            storage_key: StorageKey::Upload(item.id).to_string(),
            created_at: item.created_at,
            text_content: None,
        }
    }
}

impl FileItem {
    pub fn new(channel: &Channel, file: &Attachment) -> Self {
        let key = Key::file(file.id);
        let due = due(file.created_at.plus(UNCLAIMED_LIFE), file.id.ulid(), &key);
        let unclaimed = file.message_id.is_none();
        Self {
            pk: key.pk,
            sk: key.sk,
            owner_id: channel.owner(),
            owner_sort: owned::file(file.id),
            due_shard: unclaimed.then_some(due.shard),
            due_sort: unclaimed.then_some(due.sort),
            message_id: file.message_id,
            id: file.id,
            filename: file.filename.clone(),
            mime_type: file.mime_type.clone(),
            plugin_type: file.plugin_type,
            size: file.size,
            created_at: file.created_at,
        }
    }
}

impl Store {
    /// Puts the bytes of a file into the bucket. Nobody sees it until an item names it.
    pub async fn place(&self, channel: &Channel, blobs: &Blobs, file: NewFile) -> Result<Attachment, Error> {
        let now = self.clock.now();
        let id = FileId::new(channel.id(), now);
        let placed = Attachment {
            id,
            message_id: None,
            channel_id: channel.id(),
            plugin_type: file.plugin_type(),
            size: file.bytes.len() as u64,
            storage_key: StorageKey::Upload(id).to_string(),
            created_at: now,
            filename: file.filename,
            mime_type: file.mime_type,
            text_content: None,
        };
        blobs.put(&placed.storage_key, &placed.mime_type, file.bytes).await?;
        Ok(placed)
    }

    /// Makes a placed file visible, for a message to claim.
    pub async fn keep(&self, channel: &Channel, file: &Attachment) -> Result<(), Error> {
        let item = written(&FileItem::new(channel, file))?;
        self.put_new(item).await
    }

    /// All files of a channel, newest first, read beside the check of the caller.
    pub async fn files_in(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
    ) -> Result<Vec<Attachment>, Error> {
        let Some(id) = channel else {
            return self.open(caller, None, &[]).await.map(|_| vec![]);
        };
        let query = self.query_partition(keys::channel_partition(id), keys::FILES);
        let (opened, files) = tokio::join!(self.open(caller, channel, &[]), all_of::<FileItem>(query));
        opened?;
        Ok(files?.into_iter().map(Attachment::from).collect())
    }

    /// One file that the caller may see.
    pub async fn file(&self, caller: impl Into<Caller>, id: Option<FileId>) -> Result<Attachment, Error> {
        let key = id.map(Key::file);
        let opened = self.open(caller, id.map(FileId::channel), key.as_slice()).await;
        let (_, mut items) = opened.map_err(|err| err.or_not_found("file"))?;
        let item = key.map(|key| items.take::<FileItem>(&key)).transpose()?.flatten();
        item.map(Attachment::from).ok_or(Error::NotFound("file"))
    }
}
