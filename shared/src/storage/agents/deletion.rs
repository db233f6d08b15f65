//! Deletion of an agent with everything under it, however much there is.
//!
//! First the agent's item is marked, and from then on no route finds the agent or lists what is
//! under it. Then everything under it is deleted page by page, bytes before the items that name
//! them. The agent's item is deleted last, so that a repeated call continues where the one before
//! was cut short.
//!
//! The transaction that sets the mark also writes a deletion record (`storage::deletion`), for which
//! [`Agents::finish_deletion`] is called later.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use dynamo::value::{from_item, s, to_item};
use dynamo::{Item, Key, PK, Put, SK, Transaction, Update, attr, item_exists};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::storage::agents::Agents;
use crate::storage::deletion::{DELETION_TIME, DeletionItem, PAGE, check_deadline};
use crate::storage::keys::{self, Prefix, owned};

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

impl Agents<'_> {
    /// Deletes one of `owner`'s agents. Safe to repeat, also during the deletion; afterwards the agent is not
    /// found. [`Error::StillRemoving`] when there is more than fits into `time`; every call makes progress,
    /// however short.
    pub async fn delete(self, owner: UserId, agent: AgentId, time: Duration) -> Result<(), Error> {
        let until = Instant::now() + time;
        self.mark_deleted(owner, agent).await?;
        self.delete_contents(agent, until).await
    }

    /// Deletes a person's agents until the deadline. The person's account has to be closed before: the list
    /// comes from an index, which may not have the latest agent yet.
    pub async fn delete_all_of(self, user: UserId, until: Instant) -> Result<(), Error> {
        let query = self.store.query_owned(user, owned::AGENTS).only(&["id"]).limit(PAGE);
        let mut from = None;
        loop {
            let page = query.page(from).await?;
            for item in page.items {
                self.delete_owned(user, from_item::<OwnedAgent>(item)?.id, until).await?;
                check_deadline(until)?;
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// A person's agents that are being deleted or were deleted a short while ago: lists over all agents leave
    /// out what is left of them. There is hardly ever any, so the read costs next to nothing.
    pub(in crate::storage) async fn being_deleted(self, user: UserId) -> Result<HashSet<AgentId>, Error> {
        let query = self.store.query_owned(user, owned::REMOVALS).only(&[keys::OWNER_INDEX.sk]);
        let removals = query.collect_all::<OwnedRemoval>().await?;
        let agent = |removal: &OwnedRemoval| keys::ulid_after(owned::REMOVALS, &removal.owner_sort);
        Ok(removals.iter().filter_map(agent).map(AgentId::from_ulid).collect())
    }

    async fn delete_owned(self, user: UserId, agent: AgentId, until: Instant) -> Result<(), Error> {
        match self.mark_deleted(user, agent).await {
            Ok(()) => self.delete_contents(agent, until).await,
            // The index still shows what is gone.
            Err(Error::NotFound(_)) => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// For the expiry function: continues a deletion that was cut short, and deletes what arrived late. The
    /// record is deleted with the last check.
    pub async fn finish_deletion(self, agent: AgentId) -> Result<(), Error> {
        let Some(record) = self.store.deletion_record(&keys::removal(agent)).await? else { return Ok(()) };
        self.delete_contents(agent, Instant::now() + DELETION_TIME).await?;
        self.store.reschedule_or_finish(record, agent.ulid()).await
    }

    /// Marks the agent as deleted, and writes the record that completes the deletion.
    async fn mark_deleted(self, owner: UserId, agent: AgentId) -> Result<(), Error> {
        let now = self.store.clock.now();
        let mark = Update::new(keys::agent(agent))
            .set_if_absent("deletedAt", s(now))
            .when(item_exists().and(attr("ownerId").eq(s(owner))));
        let mut transaction = Transaction::new();
        transaction.add(mark);
        transaction.add(Put::new(to_item(&DeletionItem::of_agent(owner, agent, now))?));
        transaction.commit(&self.store.table).await?.or_else(|()| Error::NotFound("agent"))
    }

    async fn delete_contents(self, agent: AgentId, until: Instant) -> Result<(), Error> {
        // Twice: the second look finds what was being written at the first.
        for _ in 0..2 {
            for prefix in [Prefix::Uploads(agent), Prefix::Avatars(agent)] {
                while self.store.blobs.delete_some_under(&prefix).await? {
                    check_deadline(until)?;
                }
            }
            while self.delete_some_items(agent).await? {
                check_deadline(until)?;
            }
        }
        Ok(self.store.table.delete(&keys::agent(agent)).await?)
    }

    /// Deletes a page of what is in the channel. Gives whether there was anything. A message about an act is deleted
    /// by itself, so that the history of a decided one is kept.
    async fn delete_some_items(self, agent: AgentId) -> Result<bool, Error> {
        const CONCURRENCY: usize = 8;
        let query = self.store.table.query(keys::channel_partition(agent)).only(&[PK, SK, "review.actionDigest"]);
        let found = query.limit(PAGE).page(None).await?.items;
        let (acts, others): (Vec<_>, Vec<_>) = found.iter().partition(|item| is_about_an_act(item));
        let acts = acts.into_iter().filter_map(Key::of);
        let deletions: Vec<_> = acts.map(|key| self.store.messages().delete_keeping_history(key)).collect();
        stream::iter(deletions).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        let others: Vec<Key> = others.into_iter().filter_map(Key::of).collect();
        self.store.table.delete_items(&others).await?;
        Ok(!found.is_empty())
    }
}

fn is_about_an_act(item: &Item) -> bool {
    let review = item.get("review").and_then(|review| review.as_m().ok());
    review.is_some_and(|review| review.contains_key("actionDigest"))
}
