//! Superseding: a new message replaces the pending review of an earlier one. The transaction that creates the
//! message cancels that review, so there is never a moment with both or with neither.

use dynamo::Update;
use dynamo::value::s;

use crate::clock::Timestamp;
use crate::error::{Error, Step};
use crate::ids::MessageId;
use crate::models::Message;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::reviews::{cancellation, refusal};
use crate::validation::ValidationErrors;

/// The message whose review is to be superseded; one that has none is reported.
pub(super) fn supersedable(message: Option<Message>, problems: &mut ValidationErrors) -> Option<Message> {
    match &message {
        None => problems.add(path(), "unknown_message", UNKNOWN),
        Some(message) if message.review.is_none() => {
            problems.add(path(), "no_review", "supersedes must name a message with a review");
        }
        Some(_) => {}
    }
    message
}

impl Messages<'_> {
    /// The message's id if its review is pending; else the error that says what became of it.
    pub(super) async fn pending_to_supersede(self, message: Message) -> Result<MessageId, Error> {
        let now = self.store.clock.now();
        match &message.review {
            Some(review) if review.is_pending_at(now) => Ok(message.id),
            _ => Err(refusal(&self.store.reviews().resolve_expiry(message).await?)),
        }
    }

    /// Why a review could not be superseded: it was decided or deleted after it was read.
    pub(super) async fn why_not_superseded(self, id: MessageId) -> Result<Error, Error> {
        let Some(message) = self.store.table.get::<MessageItem>(&keys::message(id)).await? else {
            return Ok(Error::field(path(), "unknown_message", UNKNOWN));
        };
        Ok(refusal(&self.store.reviews().resolve_expiry(message.into()).await?))
    }
}

/// The write that cancels the review of `old` in favour of the message `new`.
pub(super) fn supersede(old: MessageId, new: MessageId, now: Timestamp) -> Update {
    cancellation(old, &new.ulid().to_string(), now).set("supersededBy", s(new))
}

const UNKNOWN: &str = "there is no such message in this channel";

fn path() -> Vec<Step> {
    vec!["supersedes".into()]
}
