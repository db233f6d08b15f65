//! A message as a page shows it.

use serde_json::{Value, json};
use shared::error::Error;
use shared::models::{Message, MessageStatus};
use shared::storage::Blobs;

use crate::attachment::{self, FileView, Shown};
use crate::markdown;

pub struct MessageView {
    pub status: Option<&'static str>,
    /// Safe HTML.
    pub html: String,
    pub files: Vec<FileView>,
    /// Laid out to be read.
    pub metadata: Option<String>,
    pub plugin: Option<PluginView>,
}

/// The frame that draws the message.
pub struct PluginView {
    pub name: String,
    /// What the frame is told, as JSON.
    pub init: String,
}

impl MessageView {
    /// `room` is how many bytes of files' texts it may show.
    pub async fn of(blobs: &Blobs, message: &Message, room: u64) -> Result<Self, Error> {
        let metadata = message.metadata.as_ref().map(|it| it.value());
        let html = message.text.as_deref().map(|text| markdown::html(text, &message.attachments)).unwrap_or_default();
        let mut files = attachment::shown(blobs, &message.attachments, room).await?;
        // A picture that stands in the text is not shown once more below it.
        for file in files.iter_mut().filter(|file| html.contains(&format!("src=\"{}\"", file.path()))) {
            file.shown = Shown::Other;
        }
        Ok(Self {
            status: message.status.map(MessageStatus::word),
            html,
            files,
            plugin: metadata.as_ref().and_then(|metadata| PluginView::of(message, metadata)),
            metadata: metadata.map(|it| format!("{it:#}")),
        })
    }
}

impl PluginView {
    fn of(message: &Message, metadata: &Value) -> Option<Self> {
        let name = metadata.get("plugin")?.as_str()?.to_owned();
        let review = message.review.as_ref().map(|review| {
            let payload = review.payload.as_ref().map(|it| it.value());
            json!({ "type": review.kind, "status": review.status.word(), "payload": payload })
        });
        let files = message.attachments.iter().map(
            |file| json!({ "id": file.id, "filename": file.filename, "mimeType": file.mime_type, "size": file.size }),
        );
        let init = json!({
            "data": data_of(message, metadata),
            "attachments": files.collect::<Vec<_>>(),
            "message": {
                "id": message.id, "channelId": message.channel_id,
                "senderType": message.sender_type, "createdAt": message.created_at,
            },
            "review": review,
            "isPreview": false,
        });
        Some(Self { name, init: init.to_string() })
    }
}

/// What a plugin draws: the members of the review's payload, then those of the metadata, which win.
fn data_of(message: &Message, metadata: &Value) -> Value {
    let payload = message.review.as_ref().and_then(|review| review.payload.as_ref()).map(|payload| payload.value());
    let members = [payload.as_ref(), Some(metadata)].into_iter().flatten().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}
