//! How agents and users are deleted in more than one call.
//!
//! A write that was accepted just before the deletion began may land after the contents were deleted.
//! So the deletion leaves a record in the index `due`, which outlives the agent or user: the contents
//! are deleted again a minute later, and finally once no accepted write, presigned uploads included,
//! can still arrive.

use std::time::{Duration, Instant};

use dynamo::value::to_item;
use dynamo::{Key, Query};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::storage::Store;
use crate::storage::keys::{self, Due, due, owned};

/// How long one call deletes, well within a function's time limit; then it answers
/// [`Error::StillRemoving`].
pub const DELETION_TIME: Duration = Duration::from_secs(20);
/// When a deletion is first continued: a call that still runs has ended by then.
const FIRST_CHECK_DELAY: Duration = Duration::from_secs(60);
/// When nothing that was accepted before the deletion can still arrive.
const LAST_CHECK: Duration = Duration::from_secs(2 * 3600);
/// How many keys are held at once.
pub const PAGE: usize = 250;

/// The record of an agent's deletion, or of a user's.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionItem {
    pk: String,
    sk: String,
    /// Of an agent's: its owner's lists leave out what is under the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_sort: Option<String>,
    started_at: Timestamp,
    due_shard: String,
    due_sort: String,
}

impl DeletionItem {
    pub fn of_agent(owner: UserId, agent: AgentId, now: Timestamp) -> Self {
        let owner_sort = Some(owned::removal(agent));
        Self { owner_id: Some(owner), owner_sort, ..Self::new(keys::removal(agent), agent.ulid(), now) }
    }

    pub fn of_user(user: UserId, now: Timestamp) -> Self {
        Self::new(keys::user_removal(user), user.ulid(), now)
    }

    fn new(key: Key, ulid: Ulid, started_at: Timestamp) -> Self {
        let Due { shard, sort } = due(started_at.plus(FIRST_CHECK_DELAY), ulid, &key);
        Self { owner_id: None, owner_sort: None, pk: key.pk, sk: key.sk, started_at, due_shard: shard, due_sort: sort }
    }

    fn key(&self) -> Key {
        Key { pk: self.pk.clone(), sk: self.sk.clone() }
    }
}

impl Store {
    /// The record of a deletion, while there is one.
    pub(super) async fn deletion_record(&self, key: &Key) -> Result<Option<DeletionItem>, Error> {
        Ok(self.table.get(key).await?)
    }

    /// Has the record wait for the last check, or deletes it after that.
    pub(super) async fn reschedule_or_finish(&self, record: DeletionItem, ulid: Ulid) -> Result<(), Error> {
        let (key, last_check) = (record.key(), record.started_at.plus(LAST_CHECK));
        if self.clock.now() >= last_check {
            return Ok(self.table.delete(&key).await?);
        }
        let Due { shard, sort } = due(last_check, ulid, &key);
        let record = to_item(&DeletionItem { due_shard: shard, due_sort: sort, ..record })?;
        Ok(self.table.put(record).await?)
    }

    /// Deletes all items of a query, page by page.
    pub(super) async fn delete_all(&self, query: Query, until: Instant) -> Result<(), Error> {
        let query = query.limit(PAGE);
        loop {
            let found = query.clone().first_keys().await?;
            if found.is_empty() {
                return Ok(());
            }
            self.table.delete_items(&found).await?;
            check_deadline(until)?;
        }
    }
}

/// [`Error::StillRemoving`] once the time of a call is over.
pub fn check_deadline(until: Instant) -> Result<(), Error> {
    if Instant::now() < until { Ok(()) } else { Err(Error::StillRemoving) }
}
