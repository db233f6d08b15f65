//! What happened to a message and its review, in order.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::ids::MessageId;
use crate::models::message::{Decision, SenderType};
use crate::words::words;

/// Where a person saw or answered a review
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// The HTTP API.
    Api,
    /// A page of the inbox.
    Page,
}

words!(Surface { "api" => Api, "page" => Page });

/// What happened
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HistoryEvent {
    Created,
    /// A person opened it for the first time while it was pending.
    Seen,
    /// A person answered it.
    Decided,
    Expired,
    /// Its agent withdrew or superseded it.
    Cancelled,
    /// Its agent consumed the approval of the act.
    Consumed,
}

/// One entry of a history
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub event: HistoryEvent,
    /// Who did it; null for an expiry.
    pub actor_type: Option<SenderType>,
    /// The agent's or the user's id.
    pub actor_id: Option<String>,
    /// Where a person did it, if it is known.
    pub surface: Option<Surface>,
    /// Of a decision about an act: JSON Pointers to the arguments that the person changed.
    pub edits: Option<Vec<String>>,
    /// Of a cancellation.
    pub reason: Option<String>,
    /// Of a cancellation: the message that replaced the review.
    pub superseded_by: Option<MessageId>,
}

/// What happened to a message and its review, oldest first
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    pub message_id: MessageId,
    /// When the message was deleted; only the history of a decided act is kept then.
    pub deleted_at: Option<Timestamp>,
    pub entries: Vec<HistoryEntry>,
    /// The name of the act that the review is about.
    pub action_name: Option<String>,
    /// The digest of that act as it was asked.
    pub action_digest: Option<String>,
    pub decision: Option<Decision>,
    /// The proof of the decision.
    pub receipt: Option<String>,
    /// When the approval was consumed.
    pub consumed_at: Option<Timestamp>,
}
