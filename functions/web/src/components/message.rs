//! A message as a page shows it: first everything it needs is loaded ([`Loaded`]), then it is laid out within the
//! budget of the page.

use serde_json::{Value, json};
use shared::error::Error;
use shared::json::Json;
use shared::models::message::TextFormat;
use shared::models::{Message, MessageStatus};
use shared::storage::Blobs;

use crate::components::attachment::{self, FileView, Preview};
use crate::text::Html;
use crate::text::budget::Budget;
use crate::text::json_tree::json_tree;
use crate::text::markdown::{self, Text};

/// How much of a long text is shown, in bytes.
const MAX_BEGINNING_BYTES: usize = 16 * 1024;
/// How much of a text is shown when the page is nearly full, in bytes.
const EXCERPT: usize = 1024;
/// Shown instead of metadata when the page is full.
const NO_ROOM: &str = "There is too much on this page to show it.";

/// How much of a message a page shows.
#[derive(Clone, Copy)]
pub enum Extent {
    /// All of its text, because a decision depends on it.
    Whole,
    /// The beginning of a long text, with a link to the rest.
    Beginning,
}

/// A message, and the texts of its files.
pub struct Loaded {
    message: Message,
    files: Vec<attachment::Loaded>,
}

/// A message, ready for the template.
pub struct MessageView {
    pub id: String,
    pub status: Option<&'static str>,
    pub text: Text,
    /// Whether only the beginning of the text is here.
    pub is_cut: bool,
    pub files: Vec<FileView>,
    pub metadata: Option<Html>,
    pub plugin: Option<PluginView>,
}

/// The frame that draws the message.
pub struct PluginView {
    pub name: String,
    /// The data that the frame receives, as JSON.
    pub init: String,
    /// Whether the frame may answer the review.
    pub can_answer: bool,
}

impl Loaded {
    /// Loads the texts of the files, `room` bytes at most.
    pub async fn of(blobs: &Blobs, message: &Message, room: u64) -> Result<Self, Error> {
        let files = attachment::load(blobs, &message.attachments, room).await?;
        Ok(Self { message: message.clone(), files })
    }

    /// The bytes of all its texts.
    pub fn len(&self) -> usize {
        let metadata = self.message.metadata.as_ref().map_or(0, Json::len);
        let text = self.message.text.as_ref().map_or(0, String::len);
        text + metadata + self.files.iter().map(attachment::Loaded::len).sum::<usize>()
    }

    /// Lays the message out within the budget of the page.
    pub fn lay_out(self, extent: Extent, budget: &mut Budget) -> MessageView {
        let Self { mut message, files } = self;
        let text = message.text.take().unwrap_or_default();
        let laid_out = match message.format {
            Some(TextFormat::Plain) => markdown::as_sent(text, budget),
            Some(TextFormat::Markdown) | None => markdown::lay_out(text, &message.attachments, budget),
        };
        let (text, is_cut) = shown_text(laid_out, extent, budget);
        let metadata = message.metadata.as_ref().map(Json::value);
        let plugin = metadata.as_ref().and_then(|metadata| PluginView::of(&message, metadata));
        let metadata = message.metadata.as_ref().map(|it| json_tree(it.as_str()));
        let mut files: Vec<FileView> =
            files.into_iter().map(|file| file.lay_out(&message.attachments, budget)).collect();
        // A picture in the text is not repeated below it.
        for file in files.iter_mut().filter(|file| text.shows(&file.path())) {
            file.preview = Preview::Other;
        }
        MessageView {
            id: message.id.to_string(),
            status: message.status.map(MessageStatus::word),
            text,
            is_cut,
            files,
            plugin: plugin.filter(|plugin| budget.has_room_for(&plugin.init)),
            metadata: metadata.map(|it| if budget.takes(it.0.len()) { it } else { Html(NO_ROOM.to_owned()) }),
        }
    }
}

/// The part of the text that is shown, and whether anything was cut off.
fn shown_text(text: Text, extent: Extent, budget: &mut Budget) -> (Text, bool) {
    let Text::Plain { text, why } = text else { return (text, false) };
    let most = match extent {
        Extent::Whole => text.len(),
        Extent::Beginning if budget.has_room_left() => MAX_BEGINNING_BYTES,
        Extent::Beginning => EXCERPT,
    };
    let shown = text[..text.floor_char_boundary(most)].to_owned();
    budget.takes_anyway(&shown);
    let is_cut = shown.len() < text.len();
    (Text::Plain { text: shown, why }, is_cut)
}

impl PluginView {
    fn of(message: &Message, metadata: &Value) -> Option<Self> {
        let name = metadata.get("plugin")?.as_str()?.to_owned();
        // An approval of an act is answered on the page, which says what each button does to the act and asks for a
        // second step if its risk is high. The agent writes the labels of a frame.
        let answerable = message.review.as_ref().filter(|review| review.action.is_none());
        let review = answerable.map(|review| {
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
        Some(Self { name, init: init.to_string(), can_answer: answerable.is_some() })
    }
}

/// The data of a plugin: the members of the review's payload, overridden by those of the metadata.
fn data_of(message: &Message, metadata: &Value) -> Value {
    let payload = message.review.as_ref().and_then(|review| review.payload.as_ref()).map(|payload| payload.value());
    let members = [payload.as_ref(), Some(metadata)].into_iter().flatten().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}
