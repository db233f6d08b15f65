//! Keys, and items found by their keys.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::value::{Item, from_item, s};

/// The attribute of the partition key.
pub const PK: &str = "pk";
/// The attribute of the sort key.
pub const SK: &str = "sk";

/// The key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The partition.
    pub pk: String,
    /// The place in the partition.
    pub sk: String,
}

impl Key {
    /// The key of the item at `sk` in the partition `pk`.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The key as attributes of its item.
    pub fn attributes(&self) -> Item {
        HashMap::from([(PK.to_owned(), s(&self.pk)), (SK.to_owned(), s(&self.sk))])
    }

    /// The key that an item is stored under; `None` for what has none.
    pub fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name).and_then(|value| value.as_s().ok());
        Some(Self::new(text(PK)?, text(SK)?))
    }
}

/// Items that one call found, by their keys.
#[derive(Debug, Default)]
pub struct Items(HashMap<Key, Item>);

impl Items {
    /// Removes and reads an item; `None` if it was not found.
    pub fn take<T: DeserializeOwned>(&mut self, key: &Key) -> Result<Option<T>, Error> {
        self.take_item(key).map(from_item).transpose()
    }

    /// Removes an item without reading it as a struct.
    pub fn take_item(&mut self, key: &Key) -> Option<Item> {
        self.0.remove(key)
    }

    /// Reads an item and leaves it for a later caller.
    pub fn peek<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Error> {
        self.0.get(key).cloned().map(from_item).transpose()
    }

    /// An item as it was found.
    pub fn item(&self, key: &Key) -> Option<&Item> {
        self.0.get(key)
    }

    /// Whether there is an item at this key.
    pub fn contains(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// Adds what another call found.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn insert(&mut self, item: Item) {
        if let Some(key) = Key::of(&item) {
            self.0.insert(key, item);
        }
    }
}
