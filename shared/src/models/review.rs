//! Reviews as agents ask for them, and the answers that people give.

use std::time::Duration;

use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Error, FieldError, Step};
use crate::json::Json;
use crate::models::ModifiedFiles;
use crate::models::text::{KIB, too_large};
use crate::models::webhook::WebhookHeaders;
use crate::models::webhook_url::WebhookUrl;
use crate::review::act::{self, Act, MAX_ACT};
use crate::review::near_miss;
use crate::validation::{FromObject, JsonObject};

const MAX_PAYLOAD: usize = 64 * KIB;
/// The limit of a response, in bytes.
pub const MAX_RESPONSE: usize = 64 * KIB;
/// The limit of an answer's feedback, in bytes.
pub const MAX_FEEDBACK: usize = 16 * KIB;
/// The longest reason of a cancellation, in characters.
const MAX_REASON: usize = 500;

const DEFAULT_EXPIRY: Duration = Duration::from_secs(24 * 3600);
const MAX_EXPIRY: Duration = Duration::from_secs(36 * 3600);
const MAX_LONG_LIVED_EXPIRY: Duration = Duration::from_secs(30 * 24 * 3600);

/// A review as an agent asks for it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AskReview {
    /// `approval`, `selection`, `form`, `text-input`, `freeform`; any other is treated as freeform,
    /// and drawn by the plugin of that name, if there is one. One that differs from these only in
    /// case, `_`, `-` or spaces is stored as the known one, with a warning.
    #[schema(rename = "type", min_length = 1, max_length = 64, example = "approval")]
    pub kind: String,
    /// What is asked, at most 64 KiB. `approval`: `options` of `{id, label, style?}` or of strings
    /// (none: approve and reject), `allowComment`. `selection`: `mode` (single, multi) or
    /// `multiple`, `items` or `options` of `{id, label, description?}` or of strings. `form`:
    /// `fields` of `{name, type, label?, required?, ...}`, `submitLabel`, `dismissLabel`.
    /// `text-input`: `placeholder`, `prefill`, `markdown`, `minLength`, `maxLength`. `freeform`:
    /// anything; `plugin` names the plugin that draws it. Other members are kept and come back.
    #[schema(example = json!({ "options": [{ "id": "ship", "label": "Ship it", "style": "primary" }] }))]
    pub payload: Option<Json>,
    /// What will be done once it is approved; only of an `approval`, at most 32 KiB. The options of its
    /// payload then have an effect: `effect: "allow"` or `"deny"`; without one an option allows if its id
    /// is `approve`, and denies otherwise.
    #[schema(value_type = Option<Act>)]
    pub action: Option<Json>,
    /// The same, read.
    #[schema(ignore)]
    pub act: Option<Act>,
    /// Where the answer is sent when neither the message nor the agent has a webhook:
    /// `{url, method?, headers?}`.
    #[schema(example = json!({ "url": "https://example.com/answered" }))]
    pub callback: Option<Json>,
    /// The callback's `url`, read.
    #[schema(ignore)]
    pub callback_url: Option<WebhookUrl>,
    /// A day without it or `expiresAt`; more than 36 hours count as 36 hours, with `longLived` more than 30 days as 30
    /// days.
    #[schema(minimum = 1, example = 3600)]
    pub expires_in_seconds: Option<u64>,
    /// In the future; instead of `expiresInSeconds`.
    pub expires_at: Option<Timestamp>,
    /// Whether it may be pending for up to 30 days.
    #[schema(value_type = Option<bool>, default = false)]
    pub long_lived: bool,
    /// Warnings about values that were read differently from how they were written.
    #[schema(ignore)]
    pub warnings: Vec<FieldError>,
}

impl AskReview {
    /// The moment it expires: at most 36 h away (30 days if it is long-lived), and never in the past.
    pub fn expires_at(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let after = self.expires_in_seconds.map_or(DEFAULT_EXPIRY, Duration::from_secs);
        let asked = self.expires_at.unwrap_or(now.plus(after));
        if asked > now {
            let max = if self.long_lived { MAX_LONG_LIVED_EXPIRY } else { MAX_EXPIRY };
            return Ok(asked.min(now.plus(max)));
        }
        let path = ["review".into(), "expiresAt".into()];
        Err(Error::field(path, "in_the_past", "expiresAt must lie in the future"))
    }

    /// Checks that the arguments of its act satisfy their schema. The schema is the agent's, and running
    /// it takes time: callers are authenticated first.
    pub fn check_args(&self) -> Result<(), Error> {
        let path = ["review", "action"].map(Step::from);
        self.act.as_ref().map_or(Ok(()), |act| act.check_args(&path))
    }
}

impl FromObject for AskReview {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let mut kind = object.require("type", |o| o.label("type", 64));
        let payload = object.json_object("payload");
        if payload.as_ref().is_some_and(|it| it.len() > MAX_PAYLOAD) {
            object.too_large(too_large("review.payload", 64));
        } else {
            let path = object.path().to_vec();
            kind = kind.map(|kind| near_miss::settled(kind, payload.as_ref(), &path, object.problems()));
        }
        let action = object.json_object("action");
        let act = action.as_ref().and_then(|action| act(object, action, kind.as_deref(), payload.as_ref()));
        let callback_url = object.object::<Callback>("callback").map(|callback| callback.url);
        let callback = callback_url.as_ref().and_then(|_| object.json_object("callback"));
        let expires_in_seconds = object.integer("expiresInSeconds", 1);
        let expires_at = object.timestamp("expiresAt");
        if expires_in_seconds.is_some() && expires_at.is_some() {
            object.problem("expiresAt", "ambiguous", "give expiresInSeconds or expiresAt, not both");
        }
        let long_lived = object.boolean("longLived").unwrap_or_default();
        let warnings = object.problems().take_warnings();
        Some(Self {
            kind: kind?,
            payload,
            action,
            act,
            callback,
            callback_url,
            expires_in_seconds,
            expires_at,
            long_lived,
            warnings,
        })
    }
}

/// Reads the act of a review of this type with this payload.
fn act(object: &mut JsonObject<'_>, action: &Json, kind: Option<&str>, payload: Option<&Json>) -> Option<Act> {
    if action.len() > MAX_ACT {
        object.too_large("review.action may have at most 32 KiB.");
        return None;
    }
    if kind.is_some_and(|kind| kind != "approval") {
        object.problem("action", "not_with_type", "only a review of the type approval has an action");
        return None;
    }
    let (path, payload_path) = (object.path_to("action"), object.path_to("payload"));
    act::check_effects(payload, &payload_path, object.problems());
    Act::parse(action, path, object.problems())
}

/// The shape of `review.callback`; what is kept is the JSON as it was sent.
struct Callback {
    url: WebhookUrl,
}

impl FromObject for Callback {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let url = object.require("url", |o| WebhookUrl::member(o, "url"));
        let _ = object.one_of("method", &[("POST", ()), ("PUT", ()), ("PATCH", ())]);
        let _ = WebhookHeaders::member(object, "headers");
        Some(Self { url: url? })
    }
}

/// `POST /api/v1/reviews/{id}/cancel`.
#[derive(Default, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CancelReview {
    /// Why the review is withdrawn, for the people who see it.
    #[schema(max_length = 500, example = "The build failed")]
    pub reason: Option<String>,
}

impl FromObject for CancelReview {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let reason = object.short_string("reason", MAX_REASON);
        Some(Self { reason: reason.filter(|text| !text.trim().is_empty()) })
    }
}

/// `POST /api/v1/reviews/{id}/consume`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ConsumeApproval {
    /// The digest of the act that the agent is about to do.
    #[schema(example = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")]
    pub action_digest: String,
}

impl FromObject for ConsumeApproval {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        Some(Self { action_digest: object.require("actionDigest", |o| o.string("actionDigest"))? })
    }
}

/// `POST /api/messages/{id}/respond`; whether the review accepts it is checked once the review is loaded.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Answer {
    /// At most 64 KiB. `approval`: `{selectedOption, comment?, editedArgs?}`, where `editedArgs` replaces
    /// the arguments of the action as a whole, at most 32 KiB; `selection`: `{selectedIds}`;
    /// `form`: a member per field, or `{"_dismissed": true}`; `text-input`: `{text}`; `freeform`:
    /// any object.
    #[schema(example = json!({ "selectedOption": "approve" }))]
    pub response: Json,
    /// At most 16 KiB.
    pub feedback: Option<String>,
    /// Files of the channel that the person changed: their ids, or an object of the changed file's id by
    /// the original's; at most 50.
    pub modified_file_ids: Option<ModifiedFiles>,
}

impl Answer {
    /// Refuses what is too long, whichever way it was read: a page's form has no JSON body.
    pub fn within_limits(&self) -> Result<(), Error> {
        match Self::excess(Some(&self.response), self.feedback.as_deref()) {
            Some(sentence) => Err(Error::TooLarge(sentence.to_owned())),
            None => Ok(()),
        }
    }

    /// The sentence that refuses an answer of this size, if it is too large.
    pub fn excess(response: Option<&Json>, feedback: Option<&str>) -> Option<&'static str> {
        if response.is_some_and(|it| it.len() > MAX_RESPONSE) {
            return Some("response may have at most 64 KiB: attach long texts as files (modifiedFileIds).");
        }
        feedback.is_some_and(|it| it.len() > MAX_FEEDBACK).then_some("feedback may have at most 16 KiB.")
    }
}

impl FromObject for Answer {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let response = object.require("response", |o| o.json_object("response"));
        let feedback = object.string("feedback");
        let modified_file_ids = ModifiedFiles::member(object);
        if let Some(sentence) = Self::excess(response.as_ref(), feedback.as_deref()) {
            object.too_large(sentence);
        }
        Some(Self { response: response?, feedback, modified_file_ids })
    }
}
