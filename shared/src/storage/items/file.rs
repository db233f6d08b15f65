//! How the table keeps a file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{FileId, MessageId, UserId};
use crate::models::Attachment;
use crate::models::file::PluginType;
use crate::storage::Channel;
use crate::storage::keys::{self, StorageKey, due, owned};
use crate::storage::weight::escaped;

/// A file that no message claims within this time may be removed.
const UNCLAIMED_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileItem {
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
    /// A direct upload that was not confirmed yet: the bytes may not be there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    announced: bool,
    id: FileId,
    filename: String,
    mime_type: String,
    plugin_type: PluginType,
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
    /// A file of a channel, claimed by the message that the attachment names.
    pub fn new(channel: &Channel, file: &Attachment) -> Self {
        let key = keys::file(file.id);
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
            announced: false,
            id: file.id,
            filename: file.filename.clone(),
            mime_type: file.mime_type.clone(),
            plugin_type: file.plugin_type,
            size: file.size,
            created_at: file.created_at,
        }
    }
    /// A file whose bytes the client will put into the bucket itself.
    pub fn announced(channel: &Channel, file: &Attachment) -> Self {
        Self { announced: true, ..Self::new(channel, file) }
    }

    /// Whether it is a direct upload that was not confirmed yet.
    pub fn is_announced(&self) -> bool {
        self.announced
    }

    /// The file's id.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Whether it expires a day after its creation, as it is now.
    pub fn is_unclaimed(&self) -> bool {
        self.due_sort.is_some()
    }

    /// The message that has claimed it.
    pub fn holder(&self) -> Option<MessageId> {
        self.message_id
    }

    /// About how many bytes of a response the file takes.
    pub fn weight(&self) -> usize {
        500 + escaped(&self.filename)
    }

    /// The object that has the bytes, and how many.
    pub fn object(&self) -> (String, u64) {
        (StorageKey::Upload(self.id).to_string(), self.size)
    }

    /// Whether it is this person's.
    pub fn is_of(&self, owner: UserId) -> bool {
        self.owner_id == owner
    }
}
