//! What an answer decides about the act of its review.

use crate::error::Error;
use crate::models::{Answer, Review};
use crate::review::{Kind, answer};
use crate::storage::messages::DecisionItem;

/// The decision of an answer that was checked; `None` if the review is not about an act. An act that
/// cannot be read is an error: nothing is decided about it.
pub fn decision(review: &Review, answer: &Answer) -> Result<Option<DecisionItem>, Error> {
    if review.action.is_none() {
        return Ok(None);
    }
    let unreadable = || Error::internal("the stored act of a review cannot be read");
    let act = review.act().ok_or_else(unreadable)?;
    let Kind::Approval(approval) = review.kind() else { return Err(unreadable()) };
    let effect = answer::effect(&approval, &answer.response).ok_or_else(unreadable)?;
    let edited = answer::edited_args(&answer.response);
    let action_digest = act.digest_with(edited.as_ref().unwrap_or(&act.args));
    Ok(Some(DecisionItem { effect, action_digest }))
}
