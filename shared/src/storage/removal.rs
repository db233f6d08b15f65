//! Removing an agent with everything under it, however much there is.
//!
//! First the agent's item is marked, and from then on no route finds the agent or lists what is
//! under it. Then all under it goes: bytes before the items that name them, page by page. Last the
//! agent's item, so that a call which was cut short can be repeated, and continues.
//!
//! A write that was let in just before the mark may land after the last look. So the mark also
//! leaves a removal record in the index `due`: it outlives the agent, and [`Store::finish_removal`]
//! looks again once nothing that was let in, presigned uploads included, can still arrive.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::storage::keys::{self, Due, Prefix, due, owned};
use crate::storage::{Blobs, Store};
use dynamo::value::{from_item, s, to_item};
use dynamo::{Key, Put, Transaction, Update, attr, item_exists};

/// One call removes for this long, well inside a function's time; then it says that there is more.
pub(super) const TIME: Duration = Duration::from_secs(20);
/// When a removal is first looked after: a call that still runs is done by then.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// When nothing that was let in before the mark can arrive any more.
const LAST_LOOK: Duration = Duration::from_secs(2 * 3600);
/// How many keys are held at once.
pub(super) const PAGE: usize = 250;

/// The record of an agent's removal, or of a user's.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemovalItem {
    pk: String,
    sk: String,
    /// Of an agent's: lists of its owner's leave out what is under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_sort: Option<String>,
    started_at: Timestamp,
    due_shard: String,
    due_sort: String,
}

impl RemovalItem {
    fn of_agent(owner: UserId, agent: AgentId, now: Timestamp) -> Self {
        let owner_sort = Some(owned::removal(agent));
        Self { owner_id: Some(owner), owner_sort, ..Self::new(keys::removal(agent), agent.ulid(), now) }
    }

    pub fn of_user(user: UserId, now: Timestamp) -> Self {
        Self::new(keys::user_removal(user), user.ulid(), now)
    }

    fn new(key: Key, ulid: Ulid, started_at: Timestamp) -> Self {
        let Due { shard, sort } = due(started_at.plus(FIRST_LOOK), ulid, &key);
        Self { owner_id: None, owner_sort: None, pk: key.pk, sk: key.sk, started_at, due_shard: shard, due_sort: sort }
    }

    fn key(&self) -> Key {
        Key { pk: self.pk.clone(), sk: self.sk.clone() }
    }
}

/// What is read of an agent to remove it.
#[derive(Deserialize)]
struct OwnedAgent {
    id: AgentId,
}

/// What is read of removals to leave out what is under them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnedRemoval {
    owner_sort: String,
}

impl Store {
    /// Removes one of `owner`'s agents. Safe to repeat, also while it is being removed; once it
    /// is gone it is not found. [`Error::StillRemoving`] when there is more than fits one call.
    pub async fn remove_channel(&self, owner: UserId, agent: AgentId, blobs: &Blobs) -> Result<(), Error> {
        self.remove_channel_within(owner, agent, blobs, TIME).await
    }

    /// The same in a time of the caller's choice; however short, each call gets further.
    pub async fn remove_channel_within(
        &self,
        owner: UserId,
        agent: AgentId,
        blobs: &Blobs,
        time: Duration,
    ) -> Result<(), Error> {
        let until = Instant::now() + time;
        self.mark_removed(owner, agent).await?;
        self.clear(agent, blobs, until).await
    }

    /// Removes a person's agents, as far as there is time. Close the person's account before: the
    /// list is an index's, and an agent made a moment ago may be missing from it.
    pub async fn remove_agents_of(&self, user: UserId, blobs: &Blobs, until: Instant) -> Result<(), Error> {
        let query = self.query_owned(user, owned::AGENTS).only(&["id"]).limit(PAGE);
        let mut from = None;
        loop {
            let page = query.page(from).await?;
            for item in page.items {
                self.remove_owned(user, from_item::<OwnedAgent>(item)?.id, blobs, until).await?;
                in_time(until)?;
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Which of a person's agents are going, or went a short while ago: lists over all agents leave
    /// out what is still there of them. Hardly ever any, so that this costs next to nothing.
    pub(super) async fn leaving(&self, user: UserId) -> Result<HashSet<AgentId>, Error> {
        let query = self.query_owned(user, owned::REMOVALS).only(&[keys::OWNER_INDEX.sk]);
        let removals = query.collect_all::<OwnedRemoval>().await?;
        let agent = |removal: &OwnedRemoval| keys::ulid_after(owned::REMOVALS, &removal.owner_sort);
        Ok(removals.iter().filter_map(agent).map(AgentId::from_ulid).collect())
    }

    async fn remove_owned(&self, user: UserId, agent: AgentId, blobs: &Blobs, until: Instant) -> Result<(), Error> {
        match self.mark_removed(user, agent).await {
            Ok(()) => self.clear(agent, blobs, until).await,
            // The index still shows what is gone.
            Err(Error::NotFound(_)) => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// For what works off the index `due`: completes a removal whose call was cut short, and
    /// removes what came in late. The record goes with the last look.
    pub async fn finish_removal(&self, agent: AgentId, blobs: &Blobs) -> Result<(), Error> {
        let Some(record) = self.removal_record(&keys::removal(agent)).await? else { return Ok(()) };
        self.clear(agent, blobs, Instant::now() + TIME).await?;
        self.looked_after(record, agent.ulid()).await
    }

    pub(super) async fn removal_record(&self, key: &Key) -> Result<Option<RemovalItem>, Error> {
        Ok(self.table.get(key).await?)
    }

    /// Has the record wait for the last look, or takes it away after that.
    pub(super) async fn looked_after(&self, record: RemovalItem, ulid: Ulid) -> Result<(), Error> {
        let (key, last_look) = (record.key(), record.started_at.plus(LAST_LOOK));
        if self.clock.now() >= last_look {
            return Ok(self.table.delete(&key).await?);
        }
        let Due { shard, sort } = due(last_look, ulid, &key);
        let record = to_item(&RemovalItem { due_shard: shard, due_sort: sort, ..record })?;
        Ok(self.table.put(record).await?)
    }

    /// Makes the agent invisible, together with the record that sees to the rest.
    async fn mark_removed(&self, owner: UserId, agent: AgentId) -> Result<(), Error> {
        let now = self.clock.now();
        let mark = Update::new(keys::agent(agent))
            .set_if_absent("deletedAt", s(now))
            .when(item_exists().and(attr("ownerId").eq(s(owner))));
        let mut transaction = Transaction::new();
        transaction.add(mark);
        transaction.add(Put::new(to_item(&RemovalItem::of_agent(owner, agent, now))?));
        transaction.commit(&self.table).await?.or_else(|()| Error::NotFound("agent"))
    }

    async fn clear(&self, agent: AgentId, blobs: &Blobs, until: Instant) -> Result<(), Error> {
        // Twice: the second look finds what was being written at the first.
        for _ in 0..2 {
            for prefix in [Prefix::Uploads(agent), Prefix::Avatars(agent)] {
                while blobs.delete_some_under(&prefix).await? {
                    in_time(until)?;
                }
            }
            while self.delete_some_in(keys::channel_partition(agent)).await? {
                in_time(until)?;
            }
        }
        Ok(self.table.delete(&keys::agent(agent)).await?)
    }

    /// Deletes a page's worth of a partition; whether there was anything.
    pub(super) async fn delete_some_in(&self, pk: String) -> Result<bool, Error> {
        let found = self.table.query(pk).limit(PAGE).first_keys().await?;
        self.table.delete_items(&found).await?;
        Ok(!found.is_empty())
    }
}

pub(super) fn in_time(until: Instant) -> Result<(), Error> {
    if Instant::now() < until { Ok(()) } else { Err(Error::StillRemoving) }
}
