//! The schema version of stored items: which shape an item has, so that code never reads an item
//! whose shape it does not know.
//!
//! Every write stamps the item it makes with [`VERSION`]. Items of before versions have no stamp,
//! and count as version 0; an update stamps them with the current version, because the migrations
//! so far only change the stamp.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The version of the items that this code writes, and the newest that it reads.
pub const VERSION: u32 = parse(include_str!("../../../infra/schema-version").as_bytes());

/// The attribute that holds an item's version.
pub const ATTRIBUTE: &str = "v";

/// The version of an item; 0 for an item without a stamp.
pub fn version_of(item: &HashMap<String, AttributeValue>) -> u32 {
    match item.get(ATTRIBUTE) {
        Some(AttributeValue::N(version)) => parse_version(version),
        Some(_) => u32::MAX,
        None => 0,
    }
}

/// The version that a number attribute states; what is no version counts as newer than any.
pub fn parse_version(number: &str) -> u32 {
    number.parse().unwrap_or(u32::MAX)
}

/// The number in a file of digits and a line end.
const fn parse(text: &[u8]) -> u32 {
    let (mut number, mut index) = (0, 0);
    while index < text.len() && text[index].is_ascii_digit() {
        number = number * 10 + (text[index] - b'0') as u32;
        index += 1;
    }
    number
}
