//! What a change of a message means to the person who is asked.

use serde_dynamo::AttributeValue;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MessageId, UserId};
use crate::models::ReviewStatus;
use crate::review::{Act, Risk};
use crate::storage::copy::IMPORTED;
use crate::storage::items::MessageItem;
use crate::storage::keys::OWNER_INDEX;
use crate::storage::webhooks::{StreamImage, message_of, text_of};

/// A review that began or ended.
#[derive(Clone, Debug)]
pub struct ReviewChange {
    pub owner: UserId,
    pub message_id: MessageId,
    pub(in crate::storage) kind: ChangeKind,
}

#[derive(Clone, Debug)]
pub(in crate::storage) enum ChangeKind {
    Asked {
        /// The image of the message, read only if the person is to be notified.
        image: StreamImage,
    },
    /// Decided, expired, cancelled or deleted.
    Ended,
}

impl ReviewChange {
    /// The change from one image of an item to the next, if a review began or ended with it. Nothing but the status of
    /// the review is read.
    pub fn of(old: Option<&StreamImage>, new: Option<&StreamImage>) -> Option<Self> {
        let image = new.or(old)?;
        let (message_id, owner) = (message_of(image)?, text_of(image, OWNER_INDEX.pk)?.parse().ok()?);
        let is_pending = |image: Option<&StreamImage>| image.is_some_and(has_pending_review);
        let kind = match (is_pending(old), new) {
            // What was copied from elsewhere was announced there.
            (false, Some(new)) if has_pending_review(new) && !new.contains_key(IMPORTED) => {
                ChangeKind::Asked { image: new.clone() }
            }
            (true, new) if !is_pending(new) => ChangeKind::Ended,
            _ => return None,
        };
        Some(Self { owner, message_id, kind })
    }
}

/// What decides whether and for how long a person is notified of a request.
pub(super) struct Request {
    pub risk: Risk,
    pub expires_at: Timestamp,
}

impl Request {
    pub fn of(image: StreamImage) -> Result<Option<Self>, Error> {
        let item: MessageItem = serde_dynamo::from_item(image).map_err(Error::internal)?;
        Ok(item
            .review
            .map(|review| Self { risk: Act::notified_risk(review.action.as_ref()), expires_at: review.expires_at }))
    }
}

fn has_pending_review(image: &StreamImage) -> bool {
    let Some(AttributeValue::M(review)) = image.get("review") else { return false };
    matches!(review.get("status"), Some(AttributeValue::S(status)) if status == ReviewStatus::Pending.word())
}
