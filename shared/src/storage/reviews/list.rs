//! Lists of reviews, newest first, without a cursor; `history` has one: they end where a response is full, and neither the memory
//! nor the calls they take grow with the number of further reviews.
//!
//! Pending reviews sort by channel and then by time. Once a list is full, the rest of a channel is skipped as
//! soon as one of its reviews is older than everything in the list.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use dynamo::value::from_item;
use dynamo::{Item, Query};
use futures_util::future;
use tokio::sync::OnceCell;
use ulid::Ulid;

use crate::caller::{AgentCaller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, MaybeChannel, UserId};
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Message, ReviewStatus};
use crate::storage::items::MessageItem;
use crate::storage::join_authorized;
use crate::storage::keys::{OWNER_INDEX, owned};
use crate::storage::reviews::Reviews;
use crate::storage::weight::weight;

/// How many decided reviews a list shows: those that were decided last.
const DECIDED_SHOWN: usize = 200;
/// The most calls that find a few reviews among many: one channel's decided ones among a person's, or expired
/// ones among those indexed as pending.
const MAX_READS: usize = 10;

/// Which reviews a list is about.
struct Wanted {
    user: UserId,
    /// Any, without one.
    status: Option<ReviewStatus>,
    /// All of the user's, without one.
    channel: Option<AgentId>,
    now: Timestamp,
    /// Agents that are being deleted, once they were read.
    leaving: OnceCell<HashSet<AgentId>>,
}

impl Wanted {
    fn has(&self, message: &Message) -> bool {
        self.channel.is_none_or(|channel| message.channel_id == channel)
            && message.review.as_ref().is_some_and(|it| self.status.is_none_or(|status| it.status == status))
    }
}

/// The newest messages that fit one response.
#[derive(Default)]
struct Newest {
    messages: BTreeMap<Ulid, Message>,
    weight: usize,
    /// The newest that did not fit: what is older is left out, too, however small it is.
    left_out: Option<Ulid>,
}

impl Newest {
    /// Adds a message, and lets go of the oldest for it if need be. Tells whether it may stay.
    fn add(&mut self, message: Message) -> bool {
        let id = message.id.ulid();
        if self.left_out.is_some_and(|newest| id <= newest) {
            return false;
        }
        // A review that was decided between two reads is in two lists: what was first is kept.
        if let Entry::Vacant(place) = self.messages.entry(id) {
            self.weight += weight(&message);
            place.insert(message);
        }
        while self.weight > MAX_PAGE_BYTES && self.messages.len() > 1 {
            self.leave_out_oldest();
        }
        self.left_out.is_none_or(|newest| id > newest)
    }

    /// Whether a decided review may be added to a list of them, which are read by the time of their decision.
    fn has_room(&self, message: &Message) -> bool {
        let fits = self.messages.is_empty() || self.weight + weight(message) <= MAX_PAGE_BYTES;
        fits && self.messages.len() < DECIDED_SHOWN
    }

    fn leave_out_oldest(&mut self) {
        if let Some((id, oldest)) = self.messages.pop_first() {
            self.weight -= weight(&oldest);
            self.left_out = Some(id);
        }
    }

    /// Adds all of another list, which is no longer than that one was.
    fn merge(&mut self, other: Self) {
        self.left_out = self.left_out.max(other.left_out);
        while self.messages.first_key_value().is_some_and(|(oldest, _)| Some(*oldest) <= self.left_out) {
            self.leave_out_oldest();
        }
        for message in other.messages.into_values().rev() {
            self.add(message);
        }
    }

    fn into_messages(self) -> Vec<Message> {
        self.messages.into_values().rev().collect()
    }
}

/// A person's pending reviews.
pub struct PendingList {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Whether older ones are left out, because all of them outgrow a response.
    pub is_cut: bool,
}

/// One read: those of its reviews that are wanted, and where to read on.
struct Page {
    messages: Vec<Message>,
    next: Option<Item>,
}

impl Reviews<'_> {
    /// The pending reviews of a channel, or of all channels of the key's user, newest first, read while the
    /// caller is authenticated.
    pub async fn list_pending(self, agent: &AgentCaller, channel: MaybeChannel) -> Result<Vec<Message>, Error> {
        let (user, status) = (agent.credential.claimed, Some(ReviewStatus::Pending));
        let now = self.store.clock.now();
        let newest = match agent.channel_or_only(channel) {
            MaybeChannel::Absent => {
                let wanted = Wanted { user, status, channel: None, now, leaving: OnceCell::new() };
                join_authorized(self.store.authenticate(agent, &[]), self.read_pending(&wanted)).await?.1
            }
            MaybeChannel::Named(id) => {
                // An open channel's agent is not being deleted.
                let leaving = OnceCell::from(HashSet::new());
                let wanted = Wanted { user, status, channel: Some(id), now, leaving };
                join_authorized(self.store.open_channel(agent, id, &[]), self.read_pending(&wanted)).await?.1
            }
        };
        Ok(newest.into_messages())
    }

    /// The pending reviews of all of a person's agents or of one.
    pub async fn pending(self, human: &HumanCaller, channel: Option<AgentId>) -> Result<PendingList, Error> {
        let newest = self.newest(human, Some(ReviewStatus::Pending), channel).await?;
        Ok(PendingList { is_cut: newest.left_out.is_some(), messages: newest.into_messages() })
    }

    /// The reviews of all of a person's agents, newest first; any status without one. All that
    /// are pending, and the newest of the decided ones.
    pub async fn list(
        self,
        human: &HumanCaller,
        status: Option<ReviewStatus>,
        channel: Option<AgentId>,
    ) -> Result<Vec<Message>, Error> {
        Ok(self.newest(human, status, channel).await?.into_messages())
    }

    async fn newest(
        self,
        human: &HumanCaller,
        status: Option<ReviewStatus>,
        channel: Option<AgentId>,
    ) -> Result<Newest, Error> {
        let admitted = async {
            match channel {
                Some(id) => self.store.open_channel(human, id, &[]).await.map(drop),
                None => self.store.authenticate(human, &[]).await.map(drop),
            }
        };
        let (now, leaving) = (self.store.clock.now(), OnceCell::new());
        let wanted = Wanted { user: human.0.claimed, status, channel, now, leaving };
        // A pending review that is due counts as expired, whatever status the index has.
        let reads = future::try_join4(
            Box::pin(self.read_decided(&wanted, ReviewStatus::Completed)),
            Box::pin(self.read_decided(&wanted, ReviewStatus::Expired)),
            Box::pin(self.read_decided(&wanted, ReviewStatus::Cancelled)),
            Box::pin(self.read_pending(&wanted)),
        );
        let ((), (mut newest, expired, cancelled, pending)) = join_authorized(admitted, reads).await?;
        newest.merge(expired);
        newest.merge(cancelled);
        newest.merge(pending);
        Ok(newest)
    }

    async fn read_pending(self, wanted: &Wanted) -> Result<Newest, Error> {
        let (mut newest, mut range, mut from) = (Newest::default(), owned::pending(wanted.channel), None);
        let reads = match wanted.status {
            Some(ReviewStatus::Completed | ReviewStatus::Cancelled) => 0,
            Some(ReviewStatus::Expired) => MAX_READS,
            _ => usize::MAX,
        };
        for _ in 0..reads {
            let [first, last] = range.clone();
            let query = self.store.table.query_index(OWNER_INDEX, wanted.user).between(first, last).descending();
            let page = self.read_page(query, from, wanted).await?;
            // The channel of which there is nothing newer to come than what is left out already.
            let mut passed = None;
            for message in page.messages {
                let channel = message.channel_id;
                if passed != Some(channel) {
                    passed = (!newest.add(message)).then_some(channel);
                }
            }
            from = page.next;
            match passed {
                _ if from.is_none() => break,
                Some(_) if wanted.channel.is_some() => break,
                Some(channel) => (range, from) = (owned::pending_before(channel), None),
                None => {}
            }
        }
        Ok(newest)
    }

    async fn read_decided(self, wanted: &Wanted, status: ReviewStatus) -> Result<Newest, Error> {
        let (mut newest, mut from) = (Newest::default(), None);
        if wanted.status.is_some_and(|wanted| wanted != status) {
            return Ok(newest);
        }
        for _ in 0..MAX_READS {
            let query = self.store.query_owned(wanted.user, &owned::reviews(status)).limit(DECIDED_SHOWN);
            let page = self.read_page(query, from, wanted).await?;
            for message in page.messages {
                if !newest.has_room(&message) {
                    return Ok(newest);
                }
                newest.add(message);
            }
            from = page.next;
            if from.is_none() || newest.messages.len() == DECIDED_SHOWN {
                break;
            }
        }
        Ok(newest)
    }

    /// One call, together with the one that reads which agents are being deleted before the first page.
    async fn read_page(self, query: Query, from: Option<Item>, wanted: &Wanted) -> Result<Page, Error> {
        let page = async { Ok(query.page(from).await?) };
        let leaving = wanted.leaving.get_or_try_init(|| self.store.agents().being_deleted(wanted.user));
        let (page, leaving) = future::try_join(page, leaving).await?;
        let mut messages = vec![];
        for item in page.items {
            let message = Message::from(from_item::<MessageItem>(item)?).seen_at(wanted.now);
            if wanted.has(&message) && !leaving.contains(&message.channel_id) {
                messages.push(message);
            }
        }
        Ok(Page { messages, next: page.next })
    }
}
