//! Reviews as agents ask for them, and the answers that people give.

use std::time::Duration;

use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::input::{FromObject, Object};
use crate::json::Json;
use crate::models::request::{KIB, MAX_ATTACHMENTS, too_large};
use crate::models::webhook::WebhookHeaders;
use crate::review::Kind;
use crate::webhook_url::WebhookUrl;

const MAX_PAYLOAD: usize = 64 * KIB;
const MAX_RESPONSE: usize = 64 * KIB;
const MAX_FEEDBACK: usize = 16 * KIB;

const DEFAULT_EXPIRY: Duration = Duration::from_secs(24 * 3600);
const MAX_EXPIRY: Duration = Duration::from_secs(36 * 3600);

/// A review as an agent asks for it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AskReview {
    /// `approval`, `selection`, `form`, `text-input`, `freeform`; any other is treated as freeform,
    /// and drawn by the plugin of that name, if there is one.
    #[schema(rename = "type", min_length = 1, max_length = 64, example = "approval")]
    pub kind: String,
    /// What is asked, at most 64 KiB. `approval`: `options` of `{id, label, style?}` (none: approve
    /// and reject), `allowComment`. `selection`: `mode` (single, multi), `items` of
    /// `{id, label, description?}`. `form`: `fields` of `{name, type, label?, required?, ...}`,
    /// `submitLabel`, `dismissLabel`. `text-input`: `placeholder`, `prefill`, `markdown`,
    /// `minLength`, `maxLength`. `freeform`: anything; `plugin` names the plugin that draws it.
    #[schema(example = json!({ "options": [{ "id": "ship", "label": "Ship it", "style": "primary" }] }))]
    pub payload: Option<Json>,
    /// Where the answer is sent when neither the message nor the agent has a webhook:
    /// `{url, method?, headers?}`.
    #[schema(example = json!({ "url": "https://example.com/answered" }))]
    pub callback: Option<Json>,
    /// The callback's `url`, read.
    #[schema(ignore)]
    pub callback_url: Option<WebhookUrl>,
    /// A day without it or `expiresAt`; more than 36 hours count as 36 hours.
    #[schema(minimum = 1, example = 3600)]
    pub expires_in_seconds: Option<u64>,
    /// In the future; instead of `expiresInSeconds`.
    pub expires_at: Option<Timestamp>,
}

impl AskReview {
    /// The moment it expires: at most 36 h away, and never in the past.
    pub fn expires_at(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let after = self.expires_in_seconds.map_or(DEFAULT_EXPIRY, Duration::from_secs);
        let asked = self.expires_at.unwrap_or(now.plus(after));
        if asked > now {
            return Ok(asked.min(now.plus(MAX_EXPIRY)));
        }
        let path = ["review".into(), "expiresAt".into()];
        Err(Error::field(path, "in_the_past", "expiresAt must lie in the future"))
    }
}

impl FromObject for AskReview {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let kind = object.require("type", |o| o.label("type", 64));
        let payload = object.json_object("payload");
        if payload.as_ref().is_some_and(|it| it.len() > MAX_PAYLOAD) {
            object.too_large(too_large("review.payload", 64));
        } else if let Some(kind) = &kind {
            let path = object.path_to("payload");
            Kind::asked(kind, payload.as_ref(), path, object.problems());
        }
        let callback_url = object.object::<Callback>("callback").map(|callback| callback.url);
        let callback = callback_url.as_ref().and_then(|_| object.json_object("callback"));
        let expires_in_seconds = object.integer("expiresInSeconds", 1);
        let expires_at = object.timestamp("expiresAt");
        if expires_in_seconds.is_some() && expires_at.is_some() {
            object.problem("expiresAt", "ambiguous", "give expiresInSeconds or expiresAt, not both");
        }
        Some(Self { kind: kind?, payload, callback, callback_url, expires_in_seconds, expires_at })
    }
}

/// The shape of `review.callback`; what is kept is the JSON as it was sent.
struct Callback {
    url: WebhookUrl,
}

impl FromObject for Callback {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let url = object.require("url", |o| WebhookUrl::member(o, "url"));
        let _ = object.one_of("method", &[("POST", ()), ("PUT", ()), ("PATCH", ())]);
        let _ = WebhookHeaders::member(object, "headers");
        Some(Self { url: url? })
    }
}

/// `POST /api/messages/{id}/respond`; whether the review offers it is judged when it is known.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Answer {
    /// At most 64 KiB. `approval`: `{selectedOption, comment?}`; `selection`: `{selectedIds}`;
    /// `form`: a member per field, or `{"_dismissed": true}`; `text-input`: `{text}`; `freeform`:
    /// any object.
    #[schema(example = json!({ "selectedOption": "approve" }))]
    pub response: Json,
    /// At most 16 KiB.
    pub feedback: Option<String>,
    /// Files of the channel that the person changed.
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    pub modified_file_ids: Vec<String>,
}

impl FromObject for Answer {
    fn from_object(object: &mut Object<'_>) -> Option<Self> {
        let response = object.require("response", |o| o.json_object("response"));
        let feedback = object.string("feedback");
        let modified_file_ids = object.strings("modifiedFileIds", MAX_ATTACHMENTS).unwrap_or_default();
        if response.as_ref().is_some_and(|it| it.len() > MAX_RESPONSE) {
            object.too_large("response may have at most 64 KiB: attach long texts as files (modifiedFileIds).");
        }
        if feedback.as_ref().is_some_and(|it| it.len() > MAX_FEEDBACK) {
            object.too_large("feedback may have at most 16 KiB.");
        }
        Some(Self { response: response?, feedback, modified_file_ids })
    }
}
