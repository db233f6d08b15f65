//! Cancelling a review: its agent withdraws it.

use dynamo::value::s;
use dynamo::{Conditional, Update, attr};

use crate::caller::AgentCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId, new_ulid};
use crate::models::{CancelReview, Message, ReviewStatus};
use crate::storage::reviews::{Reviews, decide, made_by};

impl Reviews<'_> {
    /// Cancels a pending review: one read, then the one conditional update. A review that is cancelled already
    /// stays as it is, and is given as well.
    pub async fn cancel(
        self,
        agent: &AgentCaller,
        channel: MaybeChannel,
        id: MessageId,
        cancel: CancelReview,
    ) -> Result<Message, Error> {
        let (_, message) = self.store.messages().load(agent, channel, id).await?;
        let review = message.review.as_ref().ok_or(Error::NotFound("review"))?;
        if !review.is_pending_at(self.store.clock.now()) {
            return self.cancelled_or_refused(message).await;
        }
        match self.store_cancellation(id, cancel.reason).await? {
            Conditional::Applied(message) => Ok(message),
            Conditional::Refused(Some(message)) => self.cancelled_or_refused(message).await,
            Conditional::Refused(None) => Err(Error::NotFound("message")),
        }
    }

    async fn store_cancellation(self, id: MessageId, reason: Option<String>) -> Result<Conditional<Message>, Error> {
        let now = self.store.clock.now();
        let decision_id = new_ulid(now).to_string();
        let update = cancellation(id, &decision_id, now).set_some("review.cancelReason", reason.map(s));
        Ok(match made_by(update.send(&self.store.table).await?, &decision_id) {
            Conditional::Applied(item) => Conditional::Applied(item.into()),
            Conditional::Refused(item) => Conditional::Refused(item.map(Message::from)),
        })
    }

    /// A message whose review is cancelled; else the error that says what became of it. A review that is due
    /// expires first.
    async fn cancelled_or_refused(self, message: Message) -> Result<Message, Error> {
        let settled = self.resolve_expiry(message).await?;
        match refusal(&settled) {
            Error::AlreadyCancelled => Ok(settled),
            refused => Err(refused),
        }
    }
}

/// The update that cancels a pending review, without a reason.
pub(in crate::storage) fn cancellation(id: MessageId, decision_id: &str, now: Timestamp) -> Update {
    decide(id, ReviewStatus::Cancelled, decision_id, (now, now))
        .set("review.cancelledAt", s(now))
        .when(attr("review.expiresAt").gt(s(now)))
}

/// The error for a review that can no longer be cancelled, by its outcome.
pub(in crate::storage) fn refusal(settled: &Message) -> Error {
    match settled.review.as_ref().map(|review| review.status) {
        None => Error::NotFound("review"),
        Some(ReviewStatus::Completed) => Error::AlreadyDecided,
        Some(ReviewStatus::Expired) => Error::AlreadyExpired,
        Some(ReviewStatus::Cancelled) => Error::AlreadyCancelled,
        Some(ReviewStatus::Pending) => Error::unavailable("a review was refused as decided, and is pending"),
    }
}
