//! Events of the table's stream: what a change of an item means to an agent.

use dynamo::{SK, version};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, MessageId, UserId};
use crate::json::Json;
use crate::models::{Answer, Decision, Message, ModifiedFiles, ReviewStatus, SenderType};
use crate::review::secret;
use crate::secrets::SecretHash;
use crate::storage::items::MessageItem;
use crate::storage::keys::MESSAGES;

/// An item as the stream shows it.
pub type StreamImage = serde_dynamo::Item;

/// An event that is sent to an agent's webhook.
pub struct WebhookEvent {
    pub owner: UserId,
    pub message_id: MessageId,
    /// The same for every stream record and every retry of one event.
    pub webhook_id: String,
    pub payload: String,
    /// The message's own URL.
    pub webhook_url: Option<String>,
    pub callback: Option<Json>,
    /// Whether the payload carries answers that no log may show.
    pub has_secrets: bool,
    /// When a person asked for it to be sent again.
    pub retry_requested_at: Option<Timestamp>,
}

/// What of a message is no part of its item's type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stamps {
    retry_requested_at: Option<Timestamp>,
    /// Set on a copy of a message from another table.
    #[serde(default)]
    imported: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewEvent {
    event: &'static str,
    channel_id: AgentId,
    #[serde(rename = "message_id")]
    message_id: MessageId,
    #[serde(rename = "review_type")]
    review_type: String,
    response: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified_file_ids: Option<ModifiedFiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    #[serde(rename = "responded_at", skip_serializing_if = "Option::is_none")]
    responded_at: Option<Timestamp>,
    #[serde(rename = "expired_at", skip_serializing_if = "Option::is_none")]
    expired_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration_group_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u32>,
}

/// Its other names are written as they are here.
#[derive(Serialize)]
struct CancelledEvent {
    event: &'static str,
    #[serde(rename = "channelId")]
    channel_id: AgentId,
    message_id: MessageId,
    review_type: String,
    reason: Option<String>,
    #[serde(rename = "supersededBy", skip_serializing_if = "Option::is_none")]
    superseded_by: Option<MessageId>,
    cancelled_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageEvent {
    event: &'static str,
    channel_id: AgentId,
    message: Message,
}

const CREATED: &str = "message:created";
const RESPONDED: &str = "review:responded";
const CANCELLED: &str = "review:cancelled";

impl WebhookEvent {
    /// The event that a change from one image to the next means to the agent. Most changes mean none, and so do
    /// deletions.
    pub fn of(old: Option<StreamImage>, new: Option<StreamImage>) -> Result<Option<Self>, Error> {
        let Some(new) = new.filter(is_message) else { return Ok(None) };
        let Stamps { retry_requested_at: retry, imported } = from_image(new.clone())?;
        let before =
            old.map(|old| Ok::<_, Error>((from_image::<Stamps>(old.clone())?, from_image::<MessageItem>(old)?)));
        let before = before.transpose()?;
        let asked_again =
            retry.is_some() && before.as_ref().is_some_and(|(stamps, _)| stamps.retry_requested_at != retry);
        let item = from_image::<MessageItem>(new)?;
        let happened = match (&before, event(&item)) {
            (_, None) => None,
            // What happened to a copied message was sent from where it came.
            (None, first) => first.filter(|_| !imported),
            (Some((_, old)), Some(now)) => (event(old) != Some(now) || asked_again).then_some(now),
        };
        happened.map(|event| Self::tell(item, event, retry.filter(|_| asked_again))).transpose()
    }

    fn tell(mut item: MessageItem, event: &'static str, retry: Option<Timestamp>) -> Result<Self, Error> {
        let (owner, message_id) = (item.owner_id, item.id);
        let webhook_url = item.webhook_url.take();
        let review = item.review.as_ref();
        let callback = review.and_then(|review| review.callback.clone());
        let has_secrets = review.is_some_and(|it| !secret::password_fields(it.payload.as_ref()).is_empty());
        let payload = match event {
            CREATED => message_payload(Message::from(item))?,
            CANCELLED => serde_json::to_string(&cancelled_event(item)?).map_err(Error::internal)?,
            _ => serde_json::to_string(&review_event(item, event)?).map_err(Error::internal)?,
        };
        Ok(Self {
            owner,
            message_id,
            webhook_id: webhook_id(message_id, event),
            payload,
            webhook_url,
            callback,
            has_secrets,
            retry_requested_at: retry,
        })
    }
}

/// The event of a message that a person wrote.
pub(in crate::storage) fn message_payload(message: Message) -> Result<String, Error> {
    let event = MessageEvent { event: CREATED, channel_id: message.channel_id, message };
    serde_json::to_string(&event).map_err(Error::internal)
}

/// The event of a review as it will be once `answer` is stored, for its size.
pub(in crate::storage) fn answered_payload(
    message: &Message,
    answer: &Answer,
    decided: Option<(&Decision, &str)>,
    now: Timestamp,
) -> Result<String, Error> {
    let event = ReviewEvent {
        event: RESPONDED,
        channel_id: message.channel_id,
        message_id: message.id,
        review_type: message.review.as_ref().map(|review| review.kind.clone()).unwrap_or_default(),
        response: Some(answer.response.clone()),
        feedback: answer.feedback.clone(),
        modified_file_ids: answer.modified_file_ids.clone(),
        decision: decided.map(|(decision, _)| decision.clone()),
        receipt: decided.map(|(_, receipt)| receipt.to_owned()),
        responded_at: Some(now),
        expired_at: None,
        iteration_group_id: message.iteration_group_id,
        iteration: message.iteration,
    };
    serde_json::to_string(&event).map_err(Error::internal)
}

/// The message that an image shows, if it is one, even if the rest of the image cannot be read.
pub fn message_of(image: &StreamImage) -> Option<MessageId> {
    text_of(image, "id").filter(|_| is_message(image))?.parse().ok()
}

/// The message of an image, if its review is decided.
pub fn decided_message(image: StreamImage) -> Result<Option<Message>, Error> {
    let item = from_image::<MessageItem>(image)?;
    let is_decided = item.review.as_ref().is_some_and(|review| review.status != ReviewStatus::Pending);
    Ok(is_decided.then(|| item.into()))
}

/// The event that a message in its current state means.
fn event(item: &MessageItem) -> Option<&'static str> {
    match item.review.as_ref().map(|review| review.status) {
        Some(ReviewStatus::Completed) => Some(RESPONDED),
        Some(ReviewStatus::Expired) => Some("review:expired"),
        Some(ReviewStatus::Cancelled) => Some(CANCELLED),
        Some(ReviewStatus::Pending) => None,
        None => (item.sender_type == SenderType::User).then_some(CREATED),
    }
}

fn review_event(item: MessageItem, event: &'static str) -> Result<ReviewEvent, Error> {
    let review = item.review.ok_or(Error::NotFound("review"))?;
    let decision = review.decision();
    let expired = review.status == ReviewStatus::Expired;
    Ok(ReviewEvent {
        event,
        channel_id: item.id.channel(),
        message_id: item.id,
        review_type: review.kind,
        response: review.response,
        feedback: review.feedback,
        modified_file_ids: review.modified_file_ids,
        decision,
        receipt: review.receipt,
        responded_at: review.completed_at,
        expired_at: expired.then_some(review.expires_at),
        iteration_group_id: item.iteration_group_id,
        iteration: item.iteration,
    })
}

fn cancelled_event(item: MessageItem) -> Result<CancelledEvent, Error> {
    let review = item.review.ok_or(Error::NotFound("review"))?;
    Ok(CancelledEvent {
        event: CANCELLED,
        channel_id: item.id.channel(),
        message_id: item.id,
        review_type: review.kind,
        reason: review.cancel_reason,
        superseded_by: item.superseded_by,
        cancelled_at: review.cancelled_at,
    })
}

/// A message has one outcome, so its id and the event's name identify the event.
fn webhook_id(message: MessageId, event: &str) -> String {
    let hash = SecretHash::of(&format!("{message} {event}"));
    format!("msg_{}", hash.as_str().get(..32).unwrap_or_default())
}

fn is_message(image: &StreamImage) -> bool {
    text_of(image, SK).is_some_and(|sort| sort.starts_with(MESSAGES))
}

/// A text of an image.
pub(in crate::storage) fn text_of<'a>(image: &'a StreamImage, name: &str) -> Option<&'a str> {
    match image.get(name)? {
        serde_dynamo::AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

pub(in crate::storage) fn from_image<'de, T: Deserialize<'de>>(image: StreamImage) -> Result<T, Error> {
    check_version(&image)?;
    serde_dynamo::from_item(image).map_err(|err| Error::internal(format!("an image cannot be read: {err}")))
}

/// [`Error::NewerData`] for an image of an item that newer code wrote.
fn check_version(image: &StreamImage) -> Result<(), Error> {
    let found = match image.get(version::ATTRIBUTE) {
        Some(serde_dynamo::AttributeValue::N(version)) => version::parse_version(version),
        Some(_) => u32::MAX,
        None => 0,
    };
    Ok(dynamo::check_version(found)?)
}
