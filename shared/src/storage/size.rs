//! What an item weighs. DynamoDB takes 400 KB, names and values together; the sum here is its
//! documented rule, rounded up, so that an item which fits here fits there.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::models::message::StreamState;
use crate::models::request::{MAX_METADATA, MAX_TEXT};
use crate::storage::Item;

/// DynamoDB's limit for one item.
pub const MAX_ITEM: usize = 400 * 1024;
/// What is left free when a message is made, so that an answer finds room.
pub const ROOM_FOR_ANSWERS: usize = 16 * 1024;

/// What the status events of one stream may weigh together.
pub const MAX_EVENTS: usize = 48 * 1024;

/// What a message that is still streaming may yet grow by: its text, metadata and status events
/// up to their limits. It is kept free, so that no update is ever refused for want of room.
pub fn growth(item: &Item) -> usize {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok());
    if text("streamState").map(String::as_str) != Some(StreamState::Streaming.word()) {
        return 0;
    }
    let left = |name, most: usize| most.saturating_sub(text(name).map_or(0, String::len));
    let events = item.get("eventBytes").and_then(|value| value.as_n().ok()).and_then(|n| n.parse().ok());
    left("text", MAX_TEXT) + left("metadata", MAX_METADATA) + MAX_EVENTS.saturating_sub(events.unwrap_or(0))
}

pub fn of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

fn of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len() + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len() + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|it| 1 + of_value(it)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.len() + of(map),
        _ => 22, // the longest number
    }
}
