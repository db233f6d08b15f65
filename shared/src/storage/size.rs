//! What an item weighs. DynamoDB takes 400 KB, names and values together; the sum here is its
//! documented rule, rounded up, so that an item which fits here fits there.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::storage::Item;

/// DynamoDB's limit for one item.
pub const MAX_ITEM: usize = 400 * 1024;
/// What is left free when a message is made, so that an answer finds room.
pub const ROOM_FOR_ANSWERS: usize = 16 * 1024;

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
