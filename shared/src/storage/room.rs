//! The room that a message's item keeps free for what may still be added to it.

use dynamo::Item;

use crate::models::request::MAX_METADATA;
use crate::models::review::{MAX_FEEDBACK, MAX_RESPONSE};
use crate::models::stream::StreamState;
use crate::models::text::MAX_TEXT;

/// How many bytes are left free when a message is made, for its answer.
const ROOM_FOR_ANSWERS: usize = 16 * 1024;

/// How many bytes are left free for the answer to a review that is about an act: each answer within the
/// limits fits, with the edited arguments and the receipt.
const ROOM_FOR_DECISIONS: usize = MAX_RESPONSE + MAX_FEEDBACK + ROOM_FOR_ANSWERS;

/// How many bytes the item of a new message leaves free for its answer.
pub fn for_answer(item: &Item) -> usize {
    let review = item.get("review").and_then(|review| review.as_m().ok());
    if review.is_some_and(|review| review.contains_key("action")) { ROOM_FOR_DECISIONS } else { ROOM_FOR_ANSWERS }
}

/// The most bytes of the status events of one stream.
pub const MAX_EVENTS: usize = 48 * 1024;

/// How many bytes the item of a message that is still streaming may grow by: its text, metadata and
/// status events up to their limits. They are kept free, so that every update within the limits fits.
pub fn growth(item: &Item) -> usize {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok());
    if text("streamState").map(String::as_str) != Some(StreamState::Streaming.word()) {
        return 0;
    }
    let left = |name, most: usize| most.saturating_sub(text(name).map_or(0, String::len));
    let events = item.get("eventBytes").and_then(|value| value.as_n().ok()).and_then(|n| n.parse().ok());
    left("text", MAX_TEXT) + left("metadata", MAX_METADATA) + MAX_EVENTS.saturating_sub(events.unwrap_or(0))
}
