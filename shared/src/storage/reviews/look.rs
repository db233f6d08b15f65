//! Looks of waits: whether a review is still pending, for half a read unit whatever its size.
//!
//! A pending review is listed in the index `due`, and the update that decides it, or the deletion of its message, ends
//! that. So a look is a query for one entry of that index, which has keys only. The index is eventually consistent: a
//! review that it does not list (yet) is read before anything is concluded.
//!
//! While somebody has the review open, an entry behind the review's own says so, so that the same look sees it.

use std::collections::HashSet;
use std::time::Duration;

use dynamo::value::{Item, n, s};
use dynamo::{Items, Key};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use crate::caller::{AgentCaller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, MaybeChannel, MessageId, UserId};
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Message, ReviewStatus};
use crate::storage::agents::AgentItem;
use crate::storage::items::MessageItem;
use crate::storage::keys;

use crate::storage::reviews::Reviews;
use crate::storage::weight::weight_with_texts;

/// How long after a sign of it somebody is taken to be about to answer.
const NEAR: Duration = Duration::from_secs(2);
/// How long the sign is stored at least; the expiry of the review removes it, too.
const SIGN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How many looks of one wait run at once.
const MAX_CONCURRENCY: usize = 16;
/// How many decided messages are read at once, for as long as they fit the response.
const READ_AT_ONCE: usize = 10;

/// A review that is waited for: what a look needs, and nothing of the message's size.
#[derive(Clone, Debug)]
pub struct PendingReview {
    pub id: MessageId,
    pub owner: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    place: Option<keys::Due>,
}

/// A review as it is now.
pub enum Awaited {
    Pending(PendingReview),
    /// Completed, expired or cancelled.
    Decided(Box<Message>),
}

/// What a look saw.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether the index lists the review. If not, it was decided or deleted, or the index lags.
    pub is_listed: bool,
    /// When somebody last was about to answer.
    pub last_sign: Option<Timestamp>,
}

/// What became of several reviews.
#[derive(Default)]
pub struct SeveralReviews {
    pub pending: Vec<PendingReview>,
    pub decided: Vec<MessageId>,
    /// What the caller may not see, or what is no review.
    pub unknown: Vec<MessageId>,
}

/// What of a stored message shows whether its review is pending.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    id: MessageId,
    owner_id: UserId,
    due_shard: Option<String>,
    due_sort: Option<String>,
    created_at: Timestamp,
    review: Option<ReviewPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewPart {
    status: ReviewStatus,
    expires_at: Timestamp,
}

const STATUS_ATTRIBUTES: &[&str] =
    &["pk", "sk", "v", "id", "ownerId", "dueShard", "dueSort", "createdAt", "review.status", "review.expiresAt"];

impl Look {
    /// Whether somebody is about to answer.
    pub fn is_near(&self, now: Timestamp) -> bool {
        self.is_within(NEAR, now)
    }

    /// Whether somebody was about to answer within the last `time`.
    pub fn is_within(&self, time: Duration, now: Timestamp) -> bool {
        self.last_sign.is_some_and(|at| now < at.plus(time))
    }
}

impl Reviews<'_> {
    /// A review of the caller's, in one read.
    pub async fn load_awaited(
        self,
        agent: &AgentCaller,
        channel: MaybeChannel,
        id: MessageId,
    ) -> Result<Awaited, Error> {
        let (_, item) = self.store.messages().load_item(agent, channel, id).await?;
        self.awaited(item).await
    }

    /// The same for a review that such a call gave out; 404 if it was deleted meanwhile. The caller is authenticated
    /// again by the same read: a key that was revoked during the wait gets no answer.
    pub async fn reload_awaited(self, agent: &AgentCaller, pending: &PendingReview) -> Result<Awaited, Error> {
        let key = keys::message(pending.id);
        let (_, mut items) = self.store.admit(agent, std::slice::from_ref(&key)).await?;
        let item = items.take::<MessageItem>(&key)?;
        self.awaited(item.ok_or(Error::NotFound("message"))?).await
    }

    async fn awaited(self, item: MessageItem) -> Result<Awaited, Error> {
        let item = self.settle(item).await?;
        let review = item.review.as_ref().ok_or(Error::NotFound("review"))?;
        Ok(match review.status {
            ReviewStatus::Pending => Awaited::Pending(PendingReview {
                id: item.id,
                owner: item.owner_id,
                created_at: item.created_at,
                expires_at: review.expires_at,
                place: place(item.due_shard, item.due_sort),
            }),
            _ => Awaited::Decided(Box::new(item.into())),
        })
    }

    /// Looks at one review: one call of half a unit.
    pub async fn look(self, pending: &PendingReview) -> Result<Look, Error> {
        let Some(place) = &pending.place else { return Ok(Look { is_listed: false, last_sign: None }) };
        let query = self.store.table.query_index(keys::DUE_INDEX, &place.shard).starting_with(&place.sort).limit(2);
        let found = query.page(None).await?.items;
        let sort = |item: &Item| item.get("dueSort").and_then(|sort| sort.as_s().ok()).cloned();
        let sorts: Vec<String> = found.iter().filter_map(sort).collect();
        Ok(Look {
            is_listed: sorts.contains(&place.sort),
            last_sign: sorts.iter().find_map(|sort| keys::sign_at(sort.strip_prefix(&place.sort)?)),
        })
    }

    /// Looks at several reviews, in their order.
    pub async fn look_at_all(self, pending: &[PendingReview]) -> Result<Vec<Look>, Error> {
        let looks: Vec<_> = pending.iter().map(|one| self.look(one)).collect();
        stream::iter(looks).buffered(MAX_CONCURRENCY).try_collect().await
    }

    /// What became of several reviews of the caller's, in two round trips for up to a hundred.
    pub async fn load_several(self, agent: &AgentCaller, ids: Vec<MessageId>) -> Result<SeveralReviews, Error> {
        let channels: HashSet<AgentId> = ids.iter().map(|id| id.channel()).collect();
        let agents: Vec<Key> = channels.iter().map(|channel| keys::agent(*channel)).collect();
        let (user, agents) = self.store.admit(agent, &agents).await?;
        let is_reached = |channel: &AgentId| agent.only_agent().is_none_or(|only| only == *channel);
        let mut own = HashSet::new();
        for channel in channels.into_iter().filter(is_reached) {
            let found = agents.peek::<AgentItem>(&keys::agent(channel))?;
            if found.is_some_and(|agent| agent.owner_id == user && agent.deleted_at.is_none()) {
                own.insert(channel);
            }
        }
        let (visible, unknown) = ids.into_iter().partition(|id| own.contains(&id.channel()));
        let mut found = self.reload_several(visible).await?;
        found.unknown.extend(unknown);
        Ok(found)
    }

    /// What became of reviews that such a call found, strongly consistent.
    pub async fn reload_several(self, ids: Vec<MessageId>) -> Result<SeveralReviews, Error> {
        let keys = ids.iter().map(|id| keys::message(*id)).collect();
        let mut items = self.store.table.get_attributes(keys, STATUS_ATTRIBUTES).await?;
        let (now, mut found) = (self.store.clock.now(), SeveralReviews::default());
        for id in ids {
            match items.take::<Status>(&keys::message(id))? {
                Some(status) => self.sort_in(status, now, &mut found).await?,
                None => found.unknown.push(id),
            }
        }
        Ok(found)
    }

    /// Adds a review to those of its status. A pending one that is due expires first.
    async fn sort_in(self, status: Status, now: Timestamp, found: &mut SeveralReviews) -> Result<(), Error> {
        let Status { id, owner_id, due_shard, due_sort, created_at, review } = status;
        match review {
            None => found.unknown.push(id),
            Some(ReviewPart { status: ReviewStatus::Pending, expires_at }) if expires_at > now => {
                let place = place(due_shard, due_sort);
                found.pending.push(PendingReview { id, owner: owner_id, created_at, expires_at, place });
            }
            Some(ReviewPart { status: ReviewStatus::Pending, expires_at }) => {
                match self.store_expiry(id, expires_at, now).await?.into_item() {
                    Some(_) => found.decided.push(id),
                    None => found.unknown.push(id),
                }
            }
            Some(_) => found.decided.push(id),
        }
        Ok(())
    }

    /// Decided messages, as many as fit one response with the texts of their files, and at least one; and the ids of
    /// the others. Messages that are deleted by now are neither. The first read authenticates `again`, the caller of a
    /// call that has waited.
    pub async fn load_decided(
        self,
        again: Option<&AgentCaller>,
        ids: &[MessageId],
    ) -> Result<(Vec<Message>, Vec<MessageId>), Error> {
        let (mut fitting, mut room) = (vec![], MAX_PAGE_BYTES);
        for (index, some) in ids.chunks(READ_AT_ONCE).enumerate() {
            let keys: Vec<Key> = some.iter().map(|id| keys::message(*id)).collect();
            let mut items: Items = match again.filter(|_| index == 0) {
                Some(agent) => self.store.admit(agent, &keys).await?.1,
                None => self.store.table.get_items(keys).await?,
            };
            for (place, id) in some.iter().enumerate() {
                let Some(item) = items.take::<MessageItem>(&keys::message(*id))? else { continue };
                let message = Message::from(item);
                let weight = weight_with_texts(&message);
                if weight > room && !fitting.is_empty() {
                    return Ok((fitting, ids[index * READ_AT_ONCE + place..].to_vec()));
                }
                room = room.saturating_sub(weight);
                fitting.push(message);
            }
        }
        Ok((fitting, vec![]))
    }

    /// Stores that the person is about to answer a review, so that waits for it look more often for a moment. Nothing
    /// is stored for a review that is no longer pending.
    pub async fn record_sign(self, human: &HumanCaller, id: MessageId) -> Result<(), Error> {
        let found = self.store.messages().load_item(human, id.channel(), id).await;
        let (_, item) = found.map_err(|err| err.or_not_found("message"))?;
        let now = self.store.clock.now();
        let is_pending = |it: &MessageItem| {
            it.review.as_ref().is_some_and(|it| it.status == ReviewStatus::Pending && it.expires_at > now)
        };
        if !is_pending(&item) {
            return Ok(());
        }
        let Some(place) = place(item.due_shard, item.due_sort) else { return Ok(()) };
        let mut sign = keys::sign(id).attributes();
        sign.insert("dueShard".into(), s(place.shard));
        sign.insert("dueSort".into(), s(keys::sign_sort(&place.sort, now)));
        sign.insert("ttl".into(), n(now.plus(SIGN_LIFETIME).epoch_seconds()));
        Ok(self.store.table.put(sign).await?)
    }

    /// For the expiry function: removes the sign of a review that is due.
    pub async fn delete_sign(self, id: MessageId) -> Result<(), Error> {
        Ok(self.store.table.delete(&keys::sign(id)).await?)
    }
}

fn place(shard: Option<String>, sort: Option<String>) -> Option<keys::Due> {
    Some(keys::Due { shard: shard?, sort: sort? })
}
