//! Copying a table: its items page by page, and puts of items as they were.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::error::Error;
use crate::key::Key;
use crate::table::Table;
use crate::value::Item;

/// How many items one call reads.
const PAGE_SIZE: i32 = 500;
/// How many items are written at once.
const MAX_CONCURRENCY: usize = 16;

/// Some of a table's items.
#[derive(Debug)]
pub struct ScannedPage {
    pub items: Vec<Item>,
    /// Where the next page begins; `None` at the end of the table.
    pub next: Option<Key>,
}

impl Table {
    /// One page of all items, from the beginning or from where another page ended.
    pub async fn scan_page(&self, from: Option<&Key>) -> Result<ScannedPage, Error> {
        let scan = self.client().scan().table_name(self.name()).consistent_read(true).limit(PAGE_SIZE);
        let page = scan.set_exclusive_start_key(from.map(Key::attributes)).send().await.map_err(Error::sdk)?;
        let next = page.last_evaluated_key.as_ref().and_then(Key::of);
        Ok(ScannedPage { items: page.items.unwrap_or_default(), next })
    }

    /// Puts items with the schema version that each has. May be repeated.
    pub async fn put_copies(&self, items: Vec<Item>) -> Result<(), Error> {
        let puts = stream::iter(items).map(Ok);
        puts.try_for_each_concurrent(MAX_CONCURRENCY, |item| async move {
            let put = self.client().put_item().table_name(self.name()).set_item(Some(item));
            put.send().await.map(drop).map_err(Error::sdk)
        })
        .await
    }
}
