//! What clients send about messages; about reviews it is in [`super::review`].

use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{Error, Step};
use crate::ids::{AgentId, Nil, NotAnId, parse_ulid};
use crate::json::Json;
use crate::models::message::TextFormat;
use crate::models::review::AskReview;
use crate::models::stream::StreamState;
use crate::models::stream::{MAX_STREAM_ID, SetWithDraft, StreamId};
use crate::models::text::{KIB, text, too_large};
use crate::models::webhook_url::WebhookUrl;
use crate::models::{MessageStatus, NewFile};
use crate::models::{PageRequest, PluginNames};
use crate::search;
use crate::validation::{FromObject, FromParams, JsonObject, Params};

/// The limit of a message's metadata, in bytes.
pub const MAX_METADATA: usize = 64 * KIB;
/// One transaction writes a message with all its files.
pub const MAX_ATTACHMENTS: usize = 50;

/// One of `textAttachments`, as the document describes it; it is read as a [`NewFile`].
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TextAttachment {
    #[schema(example = "# Plan")]
    pub content: String,
    #[schema(max_length = 1024, default = "content.md")]
    pub filename: Option<String>,
    /// The type of the name's extension when absent, else `text/markdown`.
    pub mime_type: Option<String>,
}

/// `POST /api/v1/messages`. It says at least one of text, review, status, attachmentIds and
/// textAttachments.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreateMessage {
    /// The agent's id.
    pub channel_id: String,
    /// Markdown unless `format` says otherwise, at most 200 KiB.
    #[schema(example = "May I deploy version 2?")]
    pub text: Option<String>,
    /// How the text is shown: `plain` as it is, `markdown` (the default) laid out.
    pub format: Option<TextFormat>,
    pub status: Option<MessageStatus>,
    /// Anything of the sender's own, at most 64 KiB; `plugin` names the plugin that draws it.
    pub metadata: Option<Json>,
    /// Stored files of this channel that no message has yet.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    pub attachment_ids: Vec<String>,
    /// Texts to be stored as files of this message.
    #[schema(value_type = Option<Vec<TextAttachment>>, max_items = 50)]
    pub text_attachments: Vec<NewFile>,
    pub review: Option<AskReview>,
    /// Where this message's events are sent, before the agent's own webhook.
    #[schema(value_type = Option<String>, example = "https://example.com/hook")]
    pub webhook_url: Option<WebhookUrl>,
    /// The message that this one revises: its review is decided, expired or cancelled.
    #[schema(example = "msg_01KB000000000000000000000001KB0000000000000000000001")]
    pub iteration_of: Option<String>,
    /// The message whose pending review this one replaces: that review is cancelled in the same transaction.
    #[schema(example = "msg_01KB000000000000000000000001KB0000000000000000000001")]
    pub supersedes: Option<String>,
    /// Makes the call safe to repeat: the same id in the same channel gives the same message.
    #[schema(min_length = 1, max_length = 256)]
    pub client_id: Option<String>,
    /// Names a stream, unique within the channel: a repeated call updates its message.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    pub stream_id: Option<StreamId>,
    /// `streaming` begins a draft that may grow; without it, a message with `streamId` is complete.
    pub stream_state: Option<StreamState>,
    /// Of a message with `streamId`.
    #[schema(ignore)]
    pub set_with_draft: SetWithDraft,
}

impl CreateMessage {
    /// Has the message drawn by the plugin that its review asks for, unless its metadata name another one.
    pub fn drawn_by_review(mut self, names: &PluginNames) -> Self {
        let plugin = self.review.as_ref().and_then(|review| plugin_of(review, names));
        self.metadata = plugin_metadata(self.metadata, plugin);
        self
    }

    /// Refuses names that lead to private addresses as of now.
    pub async fn check_targets(&self) -> Result<(), Error> {
        let webhook = async {
            match &self.webhook_url {
                Some(url) => url.check_target("webhookUrl").await,
                None => Ok(()),
            }
        };
        let callback = async {
            match self.review.as_ref().and_then(|review| review.callback_url.as_ref()) {
                Some(url) => url.check_target_at(["review", "callback", "url"].map(Step::from).into()).await,
                None => Ok(()),
            }
        };
        match tokio::join!(webhook, callback) {
            (Err(Error::Invalid(mut problems)), Err(Error::Invalid(more))) => {
                problems.extend(more);
                Err(Error::Invalid(problems))
            }
            (webhook, callback) => webhook.and(callback),
        }
    }
}

impl FromObject for CreateMessage {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let text = text(object);
        let format = object.one_of("format", &TextFormat::WORDS);
        let status = object.one_of("status", &MessageStatus::WORDS);
        let metadata = object.json_object("metadata");
        if metadata.as_ref().is_some_and(|it| it.len() > MAX_METADATA) {
            object.too_large(too_large("metadata", 64));
        }
        let attachment_ids = object.strings("attachmentIds", MAX_ATTACHMENTS).unwrap_or_default();
        let text_attachments = object.objects::<NewFile>("textAttachments", MAX_ATTACHMENTS).unwrap_or_default();
        if attachment_ids.len() + text_attachments.len() > MAX_ATTACHMENTS {
            let message = format!("a message may have at most {MAX_ATTACHMENTS} attachments");
            object.problem("attachmentIds", "too_many", message);
        }
        let review = object.object::<AskReview>("review");
        let webhook_url = WebhookUrl::member(object, "webhookUrl");
        let client_id = client_id(object);
        let iteration_of = object.string("iterationOf");
        let supersedes = object.string("supersedes");
        let (stream_id, stream_state) = stream(object);
        // A draft may begin with an empty text.
        if stream_id.is_none() || !object.has("text") {
            says_something(object, &["text", "review", "status", "attachmentIds", "textAttachments"]);
        }
        let set_with_draft = stream_id.as_ref().map(|_| SetWithDraft::of(object)).unwrap_or_default();
        Some(Self {
            channel_id: channel_id?,
            text,
            format,
            status,
            metadata,
            attachment_ids,
            text_attachments,
            review,
            webhook_url,
            iteration_of,
            supersedes,
            client_id,
            stream_id,
            stream_state,
            set_with_draft,
        })
    }
}

/// `POST /api/messages`: what a person writes to an agent; a text, attachments or both.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct HumanMessage {
    /// The agent's id.
    pub channel_id: String,
    /// At most 200 KiB.
    #[schema(example = "Please stop")]
    pub text: Option<String>,
    /// Stored files of this channel that no message has yet.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    pub attachment_ids: Vec<String>,
    /// Makes the call safe to repeat: the same id in the same channel gives the same message.
    #[schema(min_length = 1, max_length = 256)]
    pub client_id: Option<String>,
}

impl FromObject for HumanMessage {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let text = text(object);
        let attachment_ids = object.strings("attachmentIds", MAX_ATTACHMENTS).unwrap_or_default();
        let client_id = client_id(object);
        says_something(object, &["text", "attachmentIds"]);
        Some(Self { channel_id: channel_id?, text, attachment_ids, client_id })
    }
}

/// `streamId` and `streamState`. A message of a stream that says nothing of its state is complete.
fn stream(object: &mut JsonObject<'_>) -> (Option<StreamId>, Option<StreamState>) {
    let state = object.one_of("streamState", &StreamState::WORDS);
    if !object.has("streamId") {
        if object.has("streamState") {
            object.problem("streamId", "required", "streamState needs a streamId");
        }
        return (None, None);
    }
    let id = object.id("streamId", MAX_STREAM_ID).and_then(|text| text.parse().ok());
    (id, Some(state.unwrap_or(StreamState::Complete)))
}

fn client_id(object: &mut JsonObject<'_>) -> Option<String> {
    object.has("clientId").then(|| object.id("clientId", 256)).flatten()
}

/// A message must say something: one of `members` that is neither null nor empty.
fn says_something(object: &mut JsonObject<'_>, members: &[&str]) {
    let empty = |value: Value| value == "" || value == Value::Array(vec![]);
    if !members.iter().any(|name| object.value(name).is_some_and(|value| !empty(value))) {
        let message = format!("give at least one of {}", members.join(", "));
        object.problem("text", "required", message);
    }
}

/// The plugin that a review asks for: a freeform one by its payload, any other by being of its name.
fn plugin_of(review: &AskReview, names: &PluginNames) -> Option<Value> {
    match review.kind.as_str() {
        "freeform" => review.payload.as_ref()?.value().get("plugin")?.as_str().map(Value::from),
        kind => names.contains(kind).then(|| Value::from(kind)),
    }
}

/// A review that asks for a plugin has the message drawn by it.
fn plugin_metadata(metadata: Option<Json>, plugin: Option<Value>) -> Option<Json> {
    let Some(plugin) = plugin else { return metadata };
    match &metadata {
        None => Json::of(&serde_json::json!({ "plugin": plugin })).ok(),
        // Added in front of the text as it came, so that the rest stays exactly as it was sent.
        Some(given) if given.value().get("plugin").is_none() => {
            let rest = given.as_str().trim_start_matches('{').trim_start();
            let comma = if rest == "}" { "" } else { "," };
            Json::parse(format!("{{\"plugin\":{plugin}{comma}{rest}"))
        }
        Some(_) => metadata,
    }
}

/// The query of a list of messages.
pub struct ListMessages {
    pub channel: AgentId,
    pub page: PageRequest,
}

impl FromParams for ListMessages {
    fn from_params(params: &mut Params) -> Option<Self> {
        let channel = params.required("channel");
        let limit = params.limit(50);
        let before = params.text("cursor").map(|cursor| parse_ulid(&cursor));
        if before == Some(Err(NotAnId)) {
            params.problem("cursor", "not_a_cursor", "cursor must be a nextCursor of an earlier page");
        }
        let search = params.text("search").map(|search| search::folded(&search));
        let has_attachments = params.flag("has_attachments");
        let before = before.transpose().ok()?;
        let page = PageRequest { limit: limit?, before, search, has_attachments: has_attachments? };
        Some(Self { channel: AgentId::parse_or_nil(&channel?), page })
    }
}
