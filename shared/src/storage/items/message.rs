//! How the table keeps a message.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ids::{FileId, MessageId, UserId};
use crate::json::{Json, as_text};
use crate::models::file::PluginType;
use crate::models::message::{Consumption, TextFormat};
use crate::models::modified_files::{self, ModifiedFiles};
use crate::models::stream::SetWithDraft;
use crate::models::stream::StreamState;
use crate::models::webhook_url::split;
use crate::models::{
    Attachment, DecidedAct, Decision, DeliveryStatus, Message, MessageStatus, Review, ReviewStatus, SenderType, Surface,
};
use crate::review::answer::edited_args;
use crate::review::{Act, Effect};
use crate::storage::items::status_event::{StatusEventItem, shown_events};
use crate::storage::keys::StorageKey;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageItem {
    pub pk: String,
    pub sk: String,
    pub owner_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_sort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_sort: Option<String>,
    pub id: MessageId,
    pub sender_type: SenderType,
    pub sender_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewItem>,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
    pub delivery_status: DeliveryStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration_group_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_state: Option<StreamState>,
    #[serde(default, skip_serializing_if = "SetWithDraft::is_empty")]
    pub set_with_draft: SetWithDraft,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_events: Vec<StatusEventItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentItem>,
    /// An upload made it for its file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_upload: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl MessageItem {
    /// Whether it is as an upload made it: one file and nothing else.
    pub fn is_bare(&self) -> bool {
        self.is_upload && self.text.is_none() && self.review.is_none() && self.attachments.len() == 1
    }
}

/// The names of its attributes are also written in the update expressions of `reviews`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewItem {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub payload: Option<Json>,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub action: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_digest: Option<String>,
    pub status: ReviewStatus,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub response: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    #[serde(default, with = "modified_files::stored", skip_serializing_if = "Option::is_none")]
    pub modified_file_ids: Option<ModifiedFiles>,
    #[serde(default, with = "as_text", skip_serializing_if = "Option::is_none")]
    pub callback: Option<Json>,
    pub expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responded_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responded_on: Option<Surface>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_on: Option<Surface>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// Which call decided it, so that a repeat of that very call knows itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumption: Option<Consumption>,
}

/// What was decided about an act. Its arguments are those of the response, else those of the act.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionItem {
    pub effect: Effect,
    pub action_digest: String,
}

impl ReviewItem {
    /// The decision about its act, if there is one.
    pub fn decision(&self) -> Option<Decision> {
        let DecisionItem { effect, action_digest } = self.decision.clone()?;
        let act = self.action.as_ref().and_then(Act::from_stored)?;
        let args = self.response.as_ref().and_then(edited_args).unwrap_or(act.args);
        Some(Decision {
            effect,
            action: DecidedAct { name: act.name, args },
            action_digest,
            decided_by: self.responded_by?,
            decided_at: self.completed_at?,
        })
    }
}

/// A file as its message stores it: everything that never changes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentItem {
    id: FileId,
    filename: String,
    mime_type: String,
    plugin_type: PluginType,
    size: u64,
    created_at: Timestamp,
}

impl From<&Attachment> for AttachmentItem {
    fn from(file: &Attachment) -> Self {
        Self {
            id: file.id,
            filename: file.filename.clone(),
            mime_type: file.mime_type.clone(),
            plugin_type: file.plugin_type,
            size: file.size,
            created_at: file.created_at,
        }
    }
}

impl AttachmentItem {
    pub fn id(&self) -> FileId {
        self.id
    }

    pub fn of(self, message: MessageId) -> Attachment {
        Attachment {
            id: self.id,
            message_id: Some(message),
            channel_id: message.channel(),
            plugin_type: self.plugin_type,
            filename: self.filename,
            mime_type: self.mime_type,
            size: self.size,
            storage_key: StorageKey::Upload(self.id).to_string(),
            created_at: self.created_at,
            text_content: None,
        }
    }
}

impl From<ReviewItem> for Review {
    fn from(item: ReviewItem) -> Self {
        Self {
            decision: item.decision(),
            receipt: item.receipt,
            consumption: item.consumption,
            kind: item.kind,
            payload: item.payload,
            action: item.action,
            action_digest: item.action_digest,
            status: item.status,
            response: item.response,
            feedback: item.feedback,
            modified_file_ids: item.modified_file_ids,
            callback: item.callback.map(without_credentials),
            expires_at: item.expires_at,
            completed_at: item.completed_at,
            responded_by: item.responded_by,
            seen_at: item.seen_at,
            cancel_reason: item.cancel_reason,
            cancelled_at: item.cancelled_at,
        }
    }
}

/// A callback as it may be shown: its URL without the credentials that it is called with.
fn without_credentials(callback: Json) -> Json {
    // Both stand in every URL that has some, unless an escape hides them.
    if !callback.as_str().contains(['@', '\\']) {
        return callback;
    }
    let value = callback.value();
    match value["url"].as_str().map(split) {
        Some((url, Some(_))) => callback.with("url", &url).unwrap_or(callback),
        _ => callback,
    }
}

impl From<MessageItem> for Message {
    fn from(item: MessageItem) -> Self {
        let id = item.id;
        let status_events = shown_events(id.channel(), item.stream_id.as_deref(), item.status_events);
        Self {
            id,
            channel_id: id.channel(),
            sender_type: item.sender_type,
            sender_id: item.sender_id,
            text: item.text,
            format: item.format,
            status: item.status,
            review: item.review.map(Review::from),
            metadata: item.metadata,
            delivery_status: item.delivery_status,
            client_id: item.client_id,
            supersedes: item.supersedes,
            superseded_by: item.superseded_by,
            iteration_group_id: item.iteration_group_id,
            iteration: item.iteration,
            stream_id: item.stream_id,
            stream_state: item.stream_state,
            status_events,
            created_at: item.created_at,
            updated_at: item.updated_at,
            attachments: item.attachments.into_iter().map(|file| file.of(id)).collect(),
        }
    }
}
