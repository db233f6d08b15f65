//! Reading the index `due`: what has to be done by a time.

use dynamo::{Item, Key};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::storage::Store;
use crate::storage::keys::{self, DueWork};

/// How many due items are read at once.
const PAGE: usize = 50;

/// One page of a shard's due items, oldest first.
pub struct DuePage {
    pub work: Vec<DueWork>,
    /// Where the next page begins, if there may be more.
    pub next: Option<Item>,
}

impl Store {
    /// What is due by `now` in one shard of the index. The index is eventually consistent: the work checks the
    /// item itself before it changes anything.
    pub async fn due(&self, shard: &str, now: Timestamp, from: Option<Item>) -> Result<DuePage, Error> {
        let query = self.table.query_index(keys::DUE_INDEX, shard).before(keys::due_until(now)).limit(PAGE);
        let page = query.page(from).await?;
        let sort = |item: &Item| item.get(keys::DUE_INDEX.sk)?.as_s().ok().cloned();
        let work = |item: &Item| Some(DueWork::of(Key::of(item)?, &sort(item).unwrap_or_default()));
        let work = page.items.iter().filter_map(work).collect();
        Ok(DuePage { work, next: page.next })
    }
}
