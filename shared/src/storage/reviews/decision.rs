//! What an answer decides about the act of its review: the decision, and the receipt that proves it.

use action::receipt::{Claims, LIFETIME_SECONDS};
use dynamo::Update;
use dynamo::value::{s, to_value};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::{Answer, DecidedAct, Decision, Message, Surface};
use crate::review::{Kind, answer};
use crate::secrets::ServerSecret;
use crate::storage::items::DecisionItem;

/// Who decides, when, and in which call.
#[derive(Clone, Copy)]
pub struct Decider<'a> {
    pub user: UserId,
    pub surface: Surface,
    pub now: Timestamp,
    pub decision_id: &'a str,
    /// Signs the receipt.
    pub secret: &'a ServerSecret,
}

/// A decision about an act, and its receipt.
#[derive(Clone)]
pub struct DecidedReview {
    pub decision: Decision,
    pub receipt: String,
}

impl DecidedReview {
    /// The decision of an answer that was checked; `None` if the review is not about an act. An act that
    /// cannot be read is an error: nothing is decided about it.
    pub fn of(message: &Message, answer: &Answer, by: Decider<'_>) -> Result<Option<Self>, Error> {
        let review = message.review.as_ref().ok_or(Error::NotFound("review"))?;
        if review.action.is_none() {
            return Ok(None);
        }
        let unreadable = || Error::internal("the stored act of a review cannot be read");
        let act = review.act().ok_or_else(unreadable)?;
        let Kind::Approval(approval) = review.kind() else { return Err(unreadable()) };
        let effect = answer::effect(&approval, &answer.response).ok_or_else(unreadable)?;
        let args = answer::edited_args(&answer.response).unwrap_or_else(|| act.args.clone());
        let decision = Decision {
            effect,
            action_digest: act.digest_with(&args),
            action: DecidedAct { name: act.name, args },
            decided_by: by.user,
            decided_at: by.now,
        };
        let receipt = receipt(message, &decision, by)?;
        Ok(Some(Self { decision, receipt }))
    }

    /// The decision and its receipt.
    pub fn parts(&self) -> (&Decision, &str) {
        (&self.decision, &self.receipt)
    }

    /// The part of the answer's update that stores it.
    pub fn store(decided: Option<&Self>, update: Update) -> Result<Update, Error> {
        let Some(Self { decision, receipt }) = decided else { return Ok(update) };
        let item = DecisionItem { effect: decision.effect, action_digest: decision.action_digest.clone() };
        Ok(update.set("review.decision", to_value(&item)?).set("review.receipt", s(receipt)))
    }
}

fn receipt(message: &Message, decision: &Decision, by: Decider<'_>) -> Result<String, Error> {
    let issued_at = by.now.epoch_seconds();
    let claims = Claims {
        sub: &message.id.to_string(),
        channel: &message.channel_id.to_string(),
        effect: decision.effect.word(),
        action: &decision.action.name,
        digest: &decision.action_digest,
        decided_by: &by.user.to_string(),
        iat: issued_at,
        exp: issued_at.saturating_add(LIFETIME_SECONDS),
        jti: by.decision_id,
    };
    by.secret.receipt_key()?.sign(&claims).map_err(Error::internal)
}
