//! What is due: reading the index `due`, and the work that is nobody else's.

use aws_sdk_dynamodb::types::Delete;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::FileId;
use crate::storage::keys::{self, DueWork, Key, StorageKey};
use crate::storage::leftovers::Leftovers;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Item, Store, text, trouble};

/// How many due items are read at once.
const PAGE: i32 = 50;

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
        let query = self
            .query()
            .index_name(keys::DUE_INDEX)
            .key_condition_expression("dueShard = :shard AND dueSort < :end")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":end", text(keys::due_until(now)))
            .limit(PAGE);
        let page = query.set_exclusive_start_key(from).send().await.map_err(trouble)?;
        let items = page.items.unwrap_or_default();
        let work = items.iter().filter_map(Key::of).map(DueWork::of).collect();
        Ok(DuePage { work, next: page.last_evaluated_key })
    }

    /// Removes a file that is due because no message has claimed it; whether it was still there
    /// and unclaimed. The item goes first, so that no message can claim a file without bytes, and
    /// leaves a note of the bytes that are to follow it.
    pub async fn remove_unclaimed(&self, file: FileId) -> Result<bool, Error> {
        let now = self.clock.now();
        let unclaimed = Delete::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::file(file).attributes()))
            .condition_expression("attribute_not_exists(messageId) AND dueSort < :end")
            .expression_attribute_values(":end", text(keys::due_until(now)));
        let object = StorageKey::Upload(file).to_string();
        let leftovers = Leftovers::of_channel(self, file.channel(), vec![object], std::iter::once(file.ulid()));
        let mut transaction = Transaction::default();
        transaction.delete_when(unclaimed)?;
        self.note(&mut transaction, &leftovers)?;
        match self.commit(transaction).await? {
            Outcome::Refused(_) => Ok(false),
            Outcome::Done => {
                self.clear_away(vec![leftovers]).await;
                Ok(true)
            }
        }
    }
}
