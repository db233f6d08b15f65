//! The history of decisions: decided reviews by the time when they were answered, expired or cancelled, the latest
//! first, page by page.
//!
//! One query for each outcome reads the index `owner`; for one agent the index `due`, which has keys alone, and then the
//! items. A search reads a bounded number of reviews in one call, and goes on where that ended.

use std::collections::HashSet;

use dynamo::value::from_item;
use dynamo::{Item, Key, Query, Update};
use futures_util::future;

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{DecidedFilter, DecidedMessage, Message, ReviewStatus};
use crate::storage::items::MessageItem;
use crate::storage::items::entries::outcome;
use crate::storage::join_authorized;
use crate::storage::keys::{self, DUE_INDEX, DecidedPlace, DecidedSpan, OWNER_INDEX};
use crate::storage::reviews::Reviews;
use crate::storage::weight::weight;

/// How many reviews of an outcome one call reads when it has to look into them.
const MAX_SEARCHED: usize = 200;

/// A page of the history.
pub struct HistoryPage {
    pub reviews: Vec<DecidedMessage>,
    /// The last place that was read, if there may be more.
    pub next: Option<DecidedPlace>,
    /// About how many bytes the reviews take in a response.
    pub weight: usize,
}

/// What the queries found, in the order of the history.
struct Candidates {
    items: Vec<(DecidedPlace, Item)>,
    /// The last place up to which all outcomes were read; none if all were read to their end.
    read_to: Option<DecidedPlace>,
}

impl Reviews<'_> {
    /// Up to `limit` decided reviews of a person's agents, the latest first, after the place `before`: at least one, and
    /// further ones as long as they fit `room` bytes.
    pub async fn history(
        self,
        human: &HumanCaller,
        filter: &DecidedFilter,
        (limit, room): (usize, usize),
        before: Option<DecidedPlace>,
    ) -> Result<HistoryPage, Error> {
        let user = human.0.claimed;
        let admitted = async {
            match filter.channel {
                Some(id) => self.store.open_channel(human, id, &[]).await.map(drop),
                None => self.store.authenticate(human, &[]).await.map(drop),
            }
        };
        let span = DecidedSpan { from: filter.from, to: filter.to, before };
        let size = if filter.reads_contents() { MAX_SEARCHED } else { limit };
        let (_, (mut candidates, leaving)) = join_authorized(admitted, self.find(user, filter, span, size)).await?;
        if filter.channel.is_some() {
            candidates = self.load(candidates, size).await?;
        }
        let shown = |message: &Message| {
            let is_leaving = leaving.as_ref().is_some_and(|leaving| leaving.contains(&message.channel_id));
            !is_leaving && filter.matches(message)
        };
        page(candidates, (limit, room), user, shown)
    }

    /// The candidates of all outcomes, and the agents whose reviews are not shown because they are being deleted.
    async fn find(
        self,
        user: UserId,
        filter: &DecidedFilter,
        span: DecidedSpan,
        size: usize,
    ) -> Result<(Candidates, Option<HashSet<AgentId>>), Error> {
        let ranges = filter.statuses().map(|status| self.read_range(user, filter.channel, status, span, size + 1));
        // Boxed, because the futures of all outcomes together are too large for a thread's stack.
        let ranges = Box::pin(future::try_join_all(ranges));
        // An open channel's agent is not being deleted.
        let leaving = async {
            match filter.channel {
                Some(_) => Ok(None),
                None => self.store.agents().being_deleted(user).await.map(Some),
            }
        };
        let (ranges, leaving) = future::try_join(ranges, leaving).await?;
        Ok((merged(ranges), leaving))
    }

    /// The latest of one outcome, and whether there may be more: one more than is shown tells that.
    async fn read_range(
        self,
        user: UserId,
        agent: Option<AgentId>,
        status: ReviewStatus,
        span: DecidedSpan,
        size: usize,
    ) -> Result<Candidates, Error> {
        let none = Candidates { items: vec![], read_to: None };
        let (query, bounds): (Query, _) = match agent {
            Some(id) => (self.store.table.query_index(DUE_INDEX, keys::agents_decided(id)), span.of_agent(status)),
            None => (self.store.table.query_index(OWNER_INDEX, user), span.owned(status)),
        };
        let Some([first, last]) = bounds else { return Ok(none) };
        let page = query.between(first, last).descending().limit(size).page(None).await?;
        let place = |item: &Item| match agent {
            Some(_) => DecidedPlace::of_agents(item, status),
            None => DecidedPlace::of_owned(item, status),
        };
        let items: Vec<_> = page.items.into_iter().filter_map(|item| Some((place(&item)?, item))).collect();
        let read_to = items.last().map(|(place, _)| *place).filter(|_| page.next.is_some());
        Ok(Candidates { items, read_to })
    }

    /// The items of the first `size` keys.
    async fn load(self, candidates: Candidates, size: usize) -> Result<Candidates, Error> {
        let Candidates { mut items, mut read_to } = candidates;
        if items.len() > size {
            items.truncate(size);
            read_to = items.last().map(|(place, _)| *place);
        }
        let keys: Vec<_> = items.iter().filter_map(|(place, item)| Some((*place, Key::of(item)?))).collect();
        let mut found = self.store.table.get_items(keys.iter().map(|(_, key)| key.clone()).collect()).await?;
        let items = keys.into_iter().filter_map(|(place, key)| Some((place, found.take_item(&key)?))).collect();
        Ok(Candidates { items, read_to })
    }
}

/// The outcomes in one order, as far as all of them were read.
fn merged(ranges: Vec<Candidates>) -> Candidates {
    let read_to = ranges.iter().filter_map(|range| range.read_to).max();
    let mut items: Vec<_> = ranges.into_iter().flat_map(|range| range.items).collect();
    items.retain(|(place, _)| read_to.is_none_or(|end| *place >= end));
    items.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    Candidates { items, read_to }
}

/// What of the candidates is shown: up to `limit` reviews and `room` bytes.
fn page(
    candidates: Candidates,
    (limit, room): (usize, usize),
    user: UserId,
    shown: impl Fn(&Message) -> bool,
) -> Result<HistoryPage, Error> {
    let Candidates { items, read_to } = candidates;
    let last = items.last().map(|(place, _)| *place);
    let mut page = HistoryPage { reviews: vec![], next: read_to, weight: 0 };
    let mut end = None;
    for (place, item) in items {
        let item = from_item::<MessageItem>(item)?;
        let message = Message::from(item.clone()).for_humans();
        let entry = message.review.as_ref().and_then(|review| outcome(&item, review));
        let Some(outcome) = entry.filter(|_| item.owner_id == user && shown(&message)) else { continue };
        let weight = weight(&message);
        if page.weight + weight > room && !page.reviews.is_empty() {
            return Ok(HistoryPage { next: end, ..page });
        }
        page.weight += weight;
        page.reviews.push(DecidedMessage { outcome, message });
        end = Some(place);
        if page.reviews.len() == limit {
            let is_more = Some(place) != last || read_to.is_some();
            return Ok(HistoryPage { next: end.filter(|_| is_more), ..page });
        }
    }
    Ok(page)
}

/// The migration to version 3: decided reviews get their places by the time of their decision. A review is decided
/// once, so a write at the same time cannot change what is read here; a pending one is placed when it is decided.
pub(in crate::storage) fn place_decided(item: &Item, update: Update) -> Result<Update, dynamo::Error> {
    use dynamo::value::s;
    let is_decided = |item: &MessageItem| item.review.as_ref().is_some_and(|it| it.status != ReviewStatus::Pending);
    let read = item.get("review").and_then(|_| from_item::<MessageItem>(item.clone()).ok());
    let Some(item) = read.filter(is_decided) else { return Ok(update) };
    let message = Message::from(item.clone());
    let ended = message.review.as_ref().and_then(|review| Some((review.status, outcome(&item, review)?.at)));
    let Some((status, at)) = ended else { return Ok(update) };
    let place = DecidedPlace::new(at, item.id);
    Ok(update
        .set("ownerSort", s(keys::owned_decided(status, place)))
        .set("dueShard", s(keys::agents_decided(item.id.channel())))
        .set("dueSort", s(keys::agents_decided_sort(status, place))))
}
