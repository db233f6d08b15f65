//! What became of a review, as tools tell it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::error::Error;
use shared::json::Json;

use crate::api::{Session, path};
use crate::rpc::{Members, raw};

/// The longest that a call is held, below the time that clients wait for an answer.
pub const MAX_HOLD_MS: u64 = 25_000;

/// How a wait ended.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    /// None if its time was up.
    pub message: Option<Box<RawValue>>,
    pub poll_after_ms: Option<u64>,
}

/// Waits until a review is decided, for at most `millis`.
pub async fn wait(session: &Session, id: &str, channel: Option<&str>, millis: u64) -> Result<Waited, Error> {
    let millis = millis.to_string();
    let query: Vec<(&str, &str)> = channel.map(|channel| ("channel", channel)).into_iter().collect();
    let query = [query, vec![("timeout", millis.as_str())]].concat();
    let waited = session.get(&path("/api/v1/reviews", id, "/wait"), &query).await?;
    serde_json::from_str(waited.as_str()).map_err(Error::internal)
}

/// The parts of a message that say what became of its review.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub review: Option<Review>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    pub status: String,
    pub action_digest: Option<String>,
    pub decision: Option<Decision>,
    pub receipt: Option<String>,
    pub feedback: Option<String>,
    pub cancel_reason: Option<String>,
    response: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub effect: String,
    pub action: Act,
    pub action_digest: String,
}

#[derive(Deserialize, Serialize)]
pub struct Act {
    pub name: String,
    pub args: Box<RawValue>,
}

/// What the tools that ask and wait answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome<'a> {
    pub status: &'a str,
    pub message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'a Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a RawValue>,
}

impl Asked {
    pub fn parse(message: &Json) -> Result<Self, Error> {
        serde_json::from_str(message.as_str()).map_err(Error::internal)
    }

    pub fn review(&self) -> Result<&Review, Error> {
        self.review.as_ref().ok_or(Error::NotFound("review"))
    }

    /// The outcome of its review.
    pub fn outcome(&self) -> Result<Outcome<'_>, Error> {
        let review = self.review()?;
        let decision = review.decision.as_ref();
        let digest = decision.map(|decision| &decision.action_digest).or(review.action_digest.as_ref());
        Ok(Outcome {
            status: &review.status,
            message_id: &self.id,
            effect: decision.map(|decision| &*decision.effect),
            action: decision.map(|decision| &decision.action),
            action_digest: digest.map(String::as_str),
            receipt: review.receipt.as_deref(),
            comment: review.comment(),
            poll_after_ms: None,
            message: None,
        })
    }
}

impl Review {
    pub fn is_pending(&self) -> bool {
        self.status == "pending"
    }

    /// What the person wrote with the answer: the comment, else the feedback.
    pub fn comment(&self) -> Option<&str> {
        let comment = self.response.as_ref().and_then(|response| response.get("comment")?.as_str());
        let said = |text: &&str| !text.trim().is_empty();
        comment.filter(said).or_else(|| self.feedback.as_deref().filter(said))
    }
}

/// The result of a call that has a structured answer: the same as text is for clients that know no other.
pub fn structured(object: &RawValue) -> Result<Members, Error> {
    let mut result = result(object.get(), false)?;
    result.insert("structuredContent".to_owned(), object.to_owned());
    Ok(result)
}

/// The result of a call, as text.
pub fn result(text: &str, is_error: bool) -> Result<Members, Error> {
    let content = raw(&json!([{ "type": "text", "text": text }]))?;
    Ok(Members::from([("content".to_owned(), content), ("isError".to_owned(), raw(&is_error)?)]))
}
