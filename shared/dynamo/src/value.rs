//! Attribute values, and structs as items.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, check_version};
use crate::version::version_of;

/// The value of one attribute.
pub type Value = aws_sdk_dynamodb::types::AttributeValue;

/// An item: its attributes by name, the key included.
pub type Item = HashMap<String, Value>;

/// A string value.
pub fn s(value: impl ToString) -> Value {
    Value::S(value.to_string())
}

/// A number value.
pub fn n(value: impl Into<i128>) -> Value {
    Value::N(value.into().to_string())
}

/// A count as a number value.
pub fn count(value: usize) -> Value {
    Value::N(value.to_string())
}

/// Reads an item as a struct. [`Error::Internal`] when it does not have its shape, [`Error::Newer`]
/// when a newer version of the code wrote it.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    check_version(version_of(&item))?;
    serde_dynamo::from_item(item).map_err(|err| Error::internal(format!("an item cannot be read: {err}")))
}

/// Writes a struct as an item.
pub fn to_item(item: &impl Serialize) -> Result<Item, Error> {
    serde_dynamo::to_item(item).map_err(|err| Error::internal(format!("an item cannot be written: {err}")))
}

/// Writes anything serializable as one value.
pub fn to_value(value: &impl Serialize) -> Result<Value, Error> {
    serde_dynamo::to_attribute_value(value).map_err(|err| Error::internal(format!("a value cannot be written: {err}")))
}
