//! Reading the index `due`: what has to be done by a time.

use dynamo::{Item, Key};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::storage::Store;
use crate::storage::keys::{self, DueWork};

/// How many due items are read at once.
const PAGE: usize = 50;
/// How many pages of 1 MB of a shard are read to find the oldest pending review.
const MAX_PENDING_PAGES: usize = 10;

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
        let work = page.items.iter().filter_map(work_of).collect();
        Ok(DuePage { work, next: page.next })
    }

    /// When the oldest pending review of a shard was requested, by the ids in the index. With more than 10 MB of keys
    /// (some 50,000 reviews) in a shard, it is the oldest of those that are due first.
    pub async fn oldest_pending(&self, shard: &str) -> Result<Option<Timestamp>, Error> {
        let query = self.table.query_index(keys::DUE_INDEX, shard);
        let (mut oldest, mut from): (Option<Timestamp>, _) = (None, None);
        for _ in 0..MAX_PENDING_PAGES {
            let page = query.page(from).await?;
            let requested = page.items.iter().filter_map(requested_at);
            oldest = oldest.into_iter().chain(requested).min();
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        Ok(oldest)
    }
}

fn work_of(item: &Item) -> Option<DueWork> {
    let sort = item.get(keys::DUE_INDEX.sk).and_then(|value| value.as_s().ok());
    Some(DueWork::of(Key::of(item)?, sort.map_or("", String::as_str)))
}

/// When a review was requested, by its message's id.
fn requested_at(item: &Item) -> Option<Timestamp> {
    match work_of(item)? {
        DueWork::Review(message, _) => Some(Timestamp::of_ulid(message.ulid())),
        _ => None,
    }
}
