//! Entries of the history of a message, read off its item.

use action::edits::changes;

use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::models::history::{HistoryEntry, HistoryEvent};
use crate::models::{Message, Review, SenderType};
use crate::storage::items::MessageItem;

fn entry(at: Timestamp, event: HistoryEvent, by: Option<(SenderType, String)>) -> HistoryEntry {
    let (actor_type, actor_id) = by.unzip();
    HistoryEntry { at, event, actor_type, actor_id, surface: None, edits: None, reason: None, superseded_by: None }
}

fn by_user(user: UserId) -> Option<(SenderType, String)> {
    Some((SenderType::User, user.to_string()))
}

fn by_agent(item: &MessageItem) -> Option<(SenderType, String)> {
    Some((SenderType::Agent, item.id.channel().to_string()))
}

/// That the message was sent.
pub fn created(message: &Message) -> HistoryEntry {
    entry(message.created_at, HistoryEvent::Created, Some((message.sender_type, message.sender_id.clone())))
}

/// That a person opened it. One person sees the messages of a channel: its owner.
pub fn seen(item: &MessageItem, review: &Review) -> Option<HistoryEntry> {
    let seen = entry(review.seen_at?, HistoryEvent::Seen, by_user(item.owner_id));
    Some(HistoryEntry { surface: item.review.as_ref()?.seen_on, ..seen })
}

/// How a review ended; nothing of a pending one.
pub fn outcome(item: &MessageItem, review: &Review) -> Option<HistoryEntry> {
    use crate::models::ReviewStatus::{Cancelled, Completed, Expired, Pending};
    Some(match review.status {
        Pending => return None,
        Completed => HistoryEntry {
            surface: item.review.as_ref()?.responded_on,
            edits: edits(review),
            ..entry(review.completed_at?, HistoryEvent::Decided, review.responded_by.and_then(by_user))
        },
        Expired => entry(review.expires_at, HistoryEvent::Expired, None),
        Cancelled => HistoryEntry {
            reason: review.cancel_reason.clone(),
            superseded_by: item.superseded_by,
            ..entry(review.cancelled_at?, HistoryEvent::Cancelled, by_agent(item))
        },
    })
}

/// That the approval was used.
pub fn consumed(item: &MessageItem, review: &Review) -> Option<HistoryEntry> {
    Some(entry(review.consumption.as_ref()?.at, HistoryEvent::Consumed, by_agent(item)))
}

/// What the person changed of the act.
fn edits(review: &Review) -> Option<Vec<String>> {
    let (act, decision) = (review.act()?, review.decision.as_ref()?);
    Some(changes(&act.args.value(), &decision.action.args.value()).places)
}
