//! The size of an item by DynamoDB's documented rule, names and values together, rounded up: an
//! item that fits here fits DynamoDB's limit.

use crate::value::{Item, Value};

/// The most bytes of one item: DynamoDB's limit.
pub const MAX_ITEM: usize = 400 * 1024;

/// The size of an item in bytes.
pub fn of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len() + 1,
        Value::B(bytes) => bytes.as_ref().len() + 1,
        Value::L(list) => 3 + list.iter().map(|it| 1 + of_value(it)).sum::<usize>(),
        Value::M(map) => 3 + map.len() + of(map),
        _ => 22, // the longest number
    }
}
