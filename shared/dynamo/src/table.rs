//! The table: a client and a name, and what needs neither a condition nor a range.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::key::Key;
use crate::value::{Item, from_item};
use crate::write::{Delete, Put};

/// A table. Clones share the client's connections.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.into() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One item, strongly consistent, by a BatchGetItem with one key.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Error> {
        self.get_items(vec![key.clone()]).await?.take(key)
    }

    /// One item by a GetItem. An eventually consistent read costs half, and may miss what was
    /// written a moment ago.
    pub async fn poll<T: DeserializeOwned>(&self, key: &Key, is_consistent: bool) -> Result<Option<T>, Error> {
        let get = self.client.get_item().table_name(&*self.name).set_key(Some(key.attributes()));
        let output = get.consistent_read(is_consistent).send().await.map_err(Error::sdk)?;
        output.item.map(from_item).transpose()
    }

    /// Puts an item in place of whatever is at its key.
    pub async fn put(&self, item: Item) -> Result<(), Error> {
        Put::new(item).send(self).await.map(drop)
    }

    /// Puts an item whose id was just made. When the SDK sends it twice, with the first reply
    /// lost, the second must not overwrite what has become of the item meanwhile: that it is
    /// there already means that it was written.
    pub async fn put_new(&self, item: Item) -> Result<(), Error> {
        Put::create(item).send(self).await.map(drop)
    }

    /// Deletes an item, whether or not it is there.
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        Delete::new(key.clone()).send(self).await.map(drop)
    }
}
