//! The table: a client and a name, and reads of one item.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::key::Key;
use crate::value::from_item;

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
}
