//! Reads and deletes of many items by their keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::condition::Placeholders;
use crate::error::Error;
use crate::key::{Items, Key};
use crate::retry::{MAX_ATTEMPTS, pause};
use crate::table::Table;
use crate::value::Item;

/// The most keys of one BatchGetItem: DynamoDB's limit.
pub const MAX_BATCH_GET: usize = 100;
/// The most writes of one BatchWriteItem: DynamoDB's limit.
const MAX_BATCH_WRITE: usize = 25;
/// How many BatchWriteItem calls run at once.
const MAX_CONCURRENCY: usize = 4;

impl Table {
    /// Strongly consistent reads of any number of items, [`MAX_BATCH_GET`] in one call, more calls
    /// only for more items or when DynamoDB leaves some unprocessed. Items that do not exist are
    /// absent from the result.
    pub async fn get_items(&self, keys: Vec<Key>) -> Result<Items, Error> {
        self.get_attributes(keys, &[]).await
    }

    /// The same with these attributes of each item, the keys among them; all if there are none. The call is billed for
    /// the whole items.
    pub async fn get_attributes(&self, mut keys: Vec<Key>, attributes: &[&str]) -> Result<Items, Error> {
        keys.sort();
        keys.dedup();
        let mut placeholders = Placeholders::default();
        let projection: Vec<String> = attributes.iter().map(|name| placeholders.path(name)).collect();
        let wanted = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_projection_expression(Some(projection.join(", ")).filter(|it| !it.is_empty()))
            .set_expression_attribute_names(placeholders.names());
        let mut found = Items::default();
        for some in keys.chunks(MAX_BATCH_GET) {
            let keys = some.iter().map(Key::attributes).collect();
            self.get_batch(wanted.clone(), keys, &mut found).await?;
        }
        Ok(found)
    }

    async fn get_batch(
        &self,
        wanted: KeysAndAttributesBuilder,
        mut keys: Vec<Item>,
        found: &mut Items,
    ) -> Result<(), Error> {
        for attempt in 0..MAX_ATTEMPTS {
            let wanted = wanted.clone().set_keys(Some(keys)).build().map_err(Error::internal)?;
            let request = self.client().batch_get_item().request_items(self.name(), wanted);
            let output = request.send().await.map_err(Error::sdk)?;
            output.responses.into_iter().flat_map(HashMap::into_values).flatten().for_each(|item| found.insert(item));
            let unprocessed = output.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
            keys = unprocessed.flat_map(|left| left.keys).collect();
            if keys.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(Error::unavailable("BatchGetItem kept leaving keys unprocessed"))
    }

    /// Deletes any number of items, whether or not they are there, in no order.
    pub async fn delete_items(&self, keys: &[Key]) -> Result<(), Error> {
        let batches = stream::iter(keys.chunks(MAX_BATCH_WRITE)).map(Ok);
        batches.try_for_each_concurrent(MAX_CONCURRENCY, |batch| self.delete_batch(batch)).await
    }

    async fn delete_batch(&self, keys: &[Key]) -> Result<(), Error> {
        let delete = |key: &Key| DeleteRequest::builder().set_key(Some(key.attributes())).build();
        let request = |delete| WriteRequest::builder().delete_request(delete).build();
        let deletes = keys.iter().map(|key| delete(key).map(request));
        let mut left = deletes.collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
        for attempt in 0..MAX_ATTEMPTS {
            let request = self.client().batch_write_item().request_items(self.name(), left);
            let output = request.send().await.map_err(Error::sdk)?;
            left = output.unprocessed_items.into_iter().flat_map(HashMap::into_values).flatten().collect();
            if left.is_empty() {
                return Ok(());
            }
            pause(attempt).await;
        }
        Err(Error::unavailable("BatchWriteItem kept leaving items unprocessed"))
    }
}
