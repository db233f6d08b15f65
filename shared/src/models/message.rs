//! Messages and the reviews inside them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::FieldError;
use crate::ids::{AgentId, MessageId, UserId};
use crate::json::Json;
use crate::models::stream::{StatusEvent, StreamState};
use crate::models::{Attachment, ModifiedFiles};
use crate::review::{Act, Choice, Effect, Kind, secret};
use crate::words::words;

/// Who wrote a message
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SenderType {
    Agent,
    User,
}

words!(SenderType { "agent" => Agent, "user" => User });

/// How important a message is
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    Info,
    Success,
    Warning,
    Error,
}

words!(DeliveryStatus {
    "sent" => Sent,
    "webhook_delivered" => WebhookDelivered,
    "webhook_failed" => WebhookFailed,
    "agent_received" => AgentReceived,
});

words!(MessageStatus { "info" => Info, "success" => Success, "warning" => Warning, "error" => Error });

/// How a message's text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TextFormat {
    /// As it is.
    Plain,
    Markdown,
}

words!(TextFormat { "plain" => Plain, "markdown" => Markdown });

/// How far an event got on its way to the agent's webhook
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    Sent,
    WebhookDelivered,
    WebhookFailed,
    AgentReceived,
}

/// Whether a review is open, answered, out of time or withdrawn by its agent
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReviewStatus {
    Pending,
    Completed,
    Expired,
    Cancelled,
}

words!(ReviewStatus {
    "pending" => Pending,
    "completed" => Completed,
    "expired" => Expired,
    "cancelled" => Cancelled,
});

/// A message in a channel
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    pub channel_id: AgentId,
    pub sender_type: SenderType,
    pub sender_id: String,
    pub text: Option<String>,
    /// How the text is shown; null is Markdown.
    pub format: Option<TextFormat>,
    pub status: Option<MessageStatus>,
    pub review: Option<Review>,
    pub metadata: Option<Json>,
    pub delivery_status: DeliveryStatus,
    pub client_id: Option<String>,
    /// The message whose review this one replaced.
    pub supersedes: Option<MessageId>,
    /// The message that replaced this one's review, which is cancelled.
    pub superseded_by: Option<MessageId>,
    /// The id of the first message of its chain of iterations.
    pub iteration_group_id: Option<MessageId>,
    /// Counts from 1.
    pub iteration: Option<u32>,
    pub stream_id: Option<String>,
    pub stream_state: Option<StreamState>,
    /// What the sender said of its progress while streaming.
    pub status_events: Vec<StatusEvent>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub attachments: Vec<Attachment>,
}

/// A question to people, and their answer
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    #[serde(rename = "type")]
    pub kind: String,
    pub payload: Option<Json>,
    /// What will be done once it is approved, as it was sent.
    #[schema(value_type = Option<Act>)]
    pub action: Option<Json>,
    /// `sha256:` and the SHA-256, in lower-case hexadecimal, of the canonical form (RFC 8785) of
    /// `{"args": <args>, "name": <name>}`.
    #[schema(example = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")]
    pub action_digest: Option<String>,
    pub status: ReviewStatus,
    pub response: Option<Json>,
    pub feedback: Option<String>,
    pub modified_file_ids: Option<ModifiedFiles>,
    pub callback: Option<Json>,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub responded_by: Option<UserId>,
    pub seen_at: Option<Timestamp>,
    /// Why the agent withdrew it, if it said so.
    pub cancel_reason: Option<String>,
    pub cancelled_at: Option<Timestamp>,
    /// What was decided about the action, once it was.
    pub decision: Option<Decision>,
    /// The proof of the decision: a compact JWS, signed with a key of `/.well-known/jwks.json`.
    pub receipt: Option<String>,
    /// When the approved act was consumed.
    #[serde(skip)]
    pub consumption: Option<Consumption>,
}

/// When and by which call an approval was consumed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumption {
    pub at: Timestamp,
    /// Differs in each call.
    pub call: String,
    /// The call's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a person decided about an act
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub effect: Effect,
    /// The act that was decided on: with the edited arguments, if there are some.
    pub action: DecidedAct,
    /// The digest of that act.
    pub action_digest: String,
    pub decided_by: UserId,
    pub decided_at: Timestamp,
}

/// The act that a decision is about
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecidedAct {
    pub name: String,
    pub args: Json,
}

impl Review {
    /// Its type and payload, parsed. A payload that was accepted once parses again.
    pub fn kind(&self) -> Kind {
        Kind::from_stored(&self.kind, self.payload.as_ref())
    }

    /// Its act, parsed, if it is about one.
    pub fn act(&self) -> Option<Act> {
        self.action.as_ref().and_then(Act::from_stored)
    }

    /// Whether its act is of high risk or cannot be undone. An act that cannot be read counts as such.
    pub fn is_high_risk(&self) -> bool {
        self.action.is_some() && self.act().is_none_or(|act| act.is_high_risk())
    }

    /// What choosing an option does to its act, unless the label says exactly that. Without an act it does nothing to one.
    pub fn effect_word(&self, option: &Choice) -> Option<&'static str> {
        option.effect_word().filter(|_| self.action.is_some())
    }

    /// The members of its response that only the agent that asked may see.
    pub fn secret_fields(&self) -> Vec<String> {
        secret::password_fields(self.payload.as_ref())
    }

    /// Whether the review can be answered at `now`.
    pub fn is_pending_at(&self, now: Timestamp) -> bool {
        self.status == ReviewStatus::Pending && self.expires_at > now
    }
}

impl Message {
    /// The message as looked at now: a pending review whose time has passed is expired.
    pub fn seen_at(mut self, now: Timestamp) -> Self {
        if let Some(review) = self.review.as_mut().filter(|it| it.status == ReviewStatus::Pending)
            && !review.is_pending_at(now)
        {
            review.status = ReviewStatus::Expired;
        }
        self
    }

    /// The message as people may see it: passwords typed into a form are for the agent only.
    pub fn for_humans(mut self) -> Self {
        if let Some(review) = &mut self.review {
            let secret = review.secret_fields();
            if !secret.is_empty() {
                review.response = review.response.as_ref().and_then(|response| response.without(&secret).ok());
            }
        }
        self
    }
}

/// A message as the call that sends it gets it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    #[serde(flatten)]
    pub message: Message,
    /// Warnings about values that were read differently from how they were written, such as a review type that is almost a
    /// known one; absent when there is nothing of the kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<FieldError>,
}

/// A message and its revisions.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Iterations {
    /// The id of the first of them.
    pub group_id: MessageId,
    /// In order.
    pub iterations: Vec<Message>,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageList {
    pub data: Vec<Message>,
    pub next_cursor: Option<String>,
}
