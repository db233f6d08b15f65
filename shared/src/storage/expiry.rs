//! What is due: reading the index `due`, and the work that is nobody else's.

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::FileId;
use crate::storage::Store;
use crate::storage::keys::{self, DueWork, StorageKey};
use crate::storage::leftovers::Leftovers;
use dynamo::value::{Item, s};
use dynamo::{Conditional, Delete, Key, Transaction, attr};

/// How many due items are read at once.
const PAGE: usize = 50;

/// One page of a shard's due items, oldest first.
pub struct DuePage {
    pub work: Vec<DueWork>,
    /// Where the next page begins, if there may be more.
    pub next: Option<Item>,
}

impl Store {
    /// What is due by `now` in one shard of the index. The index may lag: whoever does the work
    /// asks the item itself whether it is still to be done.
    pub async fn due(&self, shard: &str, now: Timestamp, from: Option<Item>) -> Result<DuePage, Error> {
        let query = self.table.query_index(keys::DUE_INDEX, shard).before(keys::due_until(now)).limit(PAGE);
        let page = query.page(from).await?;
        let work = page.items.iter().filter_map(Key::of).map(DueWork::of).collect();
        Ok(DuePage { work, next: page.next })
    }

    /// Removes a file that is due because no message has claimed it; whether it was still there
    /// and unclaimed. The item goes first, so that no message can claim a file without bytes, and
    /// leaves a note of the bytes that are to follow it.
    pub async fn remove_unclaimed(&self, file: FileId) -> Result<bool, Error> {
        let now = self.clock.now();
        let is_unclaimed = attr("messageId").absent().and(attr("dueSort").lt(s(keys::due_until(now))));
        let object = StorageKey::Upload(file).to_string();
        let leftovers = Leftovers::of_channel(self, file.channel(), vec![object], std::iter::once(file.ulid()));
        let mut transaction = Transaction::new();
        transaction.add(Delete::new(keys::file(file)).when(is_unclaimed));
        transaction.add(leftovers.record()?);
        match transaction.commit(&self.table).await? {
            Conditional::Refused(()) => Ok(false),
            Conditional::Applied(()) => {
                self.clear_away(vec![leftovers]).await;
                Ok(true)
            }
        }
    }
}
