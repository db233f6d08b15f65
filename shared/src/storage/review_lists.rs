//! Lists of reviews, newest first. They have no cursor: what is pending is read to its end, and
//! of all that is read only as much is held as fits one response.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures_util::future;
use ulid::Ulid;

use crate::auth::{AgentCaller, HumanCaller};
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::{Message, ReviewStatus};
use crate::storage::keys::owned;
use crate::storage::messages::{MessageItem, RESPONSE_BUDGET, weight};
use crate::storage::{Store, beside, read, trouble};

/// How many decided reviews a list shows.
const DECIDED_SHOWN: usize = 200;
/// How many reads it spends on finding one channel's among a person's.
const DECIDED_READS: usize = 10;

/// The newest messages that fit one response.
#[derive(Default)]
struct Newest {
    messages: BTreeMap<Ulid, Message>,
    weight: usize,
}

impl Newest {
    /// Adds a message, and lets go of the oldest for it if need be. Tells whether all fit.
    fn add(&mut self, message: Message) -> bool {
        self.weight += weight(&message);
        // A review that was decided between two reads is in both lists: what was first is kept.
        if let Some(again) = self.messages.insert(message.id.ulid(), message) {
            self.weight -= weight(&again);
            self.messages.insert(again.id.ulid(), again);
        }
        let mut fit = true;
        while self.weight > RESPONSE_BUDGET && self.messages.len() > 1 {
            self.weight -= self.messages.pop_first().map_or(0, |(_, oldest)| weight(&oldest));
            fit = false;
        }
        fit
    }

    fn into_messages(self) -> Vec<Message> {
        self.messages.into_values().rev().collect()
    }
}

impl Store {
    /// A channel's pending reviews, newest first, read beside the check of the caller.
    pub async fn pending_in(&self, agent: &AgentCaller, channel: Option<AgentId>) -> Result<Vec<Message>, Error> {
        let Some(id) = channel else {
            return self.open(agent, None, &[]).await.map(|_| vec![]);
        };
        let now = self.clock.now();
        let mut newest = Newest::default();
        let query = self.query_owned(agent.0.claimed, &owned::pending_in(id));
        // Newest first: what comes after the first that does not fit is older.
        let reading = each_of(query, usize::MAX, |item| {
            let message = Message::from(item);
            !message.review.as_ref().is_some_and(|review| review.is_pending_at(now)) || newest.add(message)
        });
        beside(self.open(agent, channel, &[]), reading).await?;
        Ok(newest.into_messages())
    }

    /// The reviews of all of a person's agents, newest first; any status without one. All that
    /// are pending, and the newest of the decided ones.
    pub async fn reviews_of(
        &self,
        human: &HumanCaller,
        status: Option<ReviewStatus>,
        channel: Option<Option<AgentId>>,
    ) -> Result<Vec<Message>, Error> {
        // A channel that is somebody else's, or none, is a 403 as everywhere.
        let admitted = async {
            match channel {
                Some(channel) => self.open(human, channel, &[]).await.map(drop),
                None => self.admit(human, &[]).await.map(drop),
            }
        };
        // A pending review whose time has passed is expired, whatever the index says of it.
        let (pending, completed, expired) = match status {
            Some(ReviewStatus::Pending) => (true, false, false),
            Some(ReviewStatus::Completed) => (false, true, false),
            Some(ReviewStatus::Expired) => (true, false, true),
            None => (true, true, true),
        };
        let wanted = Wanted { human, status, channel };
        let reads = future::try_join3(
            self.decided_of(&wanted, ReviewStatus::Completed, completed),
            self.decided_of(&wanted, ReviewStatus::Expired, expired),
            self.pending_of(&wanted, pending),
        );
        let ((), (completed, expired, pending)) = beside(admitted, reads).await?;
        let mut newest = completed;
        expired.into_messages().into_iter().chain(pending.into_messages()).for_each(|message| {
            newest.add(message);
        });
        Ok(newest.into_messages())
    }

    async fn pending_of(&self, wanted: &Wanted<'_>, any: bool) -> Result<Newest, Error> {
        let (now, mut newest) = (self.clock.now(), Newest::default());
        if any {
            // Sorted by channel, then by time: the newest may come last.
            let query = self.query_owned(wanted.human.0.claimed, &wanted.pending());
            each_of(query, usize::MAX, |item| {
                let message = Message::from(item).seen_at(now);
                if wanted.has(&message) {
                    newest.add(message);
                }
                true
            })
            .await?;
        }
        Ok(newest)
    }

    async fn decided_of(&self, wanted: &Wanted<'_>, status: ReviewStatus, any: bool) -> Result<Newest, Error> {
        let (now, mut newest) = (self.clock.now(), Newest::default());
        if any {
            let query = self.query_owned(wanted.human.0.claimed, &owned::reviews(status)).limit(DECIDED_SHOWN as i32);
            each_of(query, DECIDED_READS, |item| {
                let message = Message::from(item).seen_at(now);
                !wanted.has(&message) || newest.add(message) && newest.messages.len() < DECIDED_SHOWN
            })
            .await?;
        }
        Ok(newest)
    }
}

/// Which reviews of a person's a list is about.
struct Wanted<'a> {
    human: &'a HumanCaller,
    status: Option<ReviewStatus>,
    channel: Option<Option<AgentId>>,
}

impl Wanted<'_> {
    fn has(&self, message: &Message) -> bool {
        self.channel.is_none_or(|channel| Some(message.channel_id) == channel)
            && message.review.as_ref().is_some_and(|it| self.status.is_none_or(|status| it.status == status))
    }

    fn pending(&self) -> String {
        match self.channel.flatten() {
            Some(channel) => owned::pending_in(channel),
            None => owned::reviews(ReviewStatus::Pending),
        }
    }
}

/// Reads a query page by page, at most `reads` of them, for as long as each item is told to be
/// worth going on.
async fn each_of(
    query: QueryFluentBuilder,
    reads: usize,
    mut go_on: impl FnMut(MessageItem) -> bool,
) -> Result<(), Error> {
    let mut from = None;
    for _ in 0..reads {
        let page = query.clone().set_exclusive_start_key(from).send().await.map_err(trouble)?;
        for item in page.items.unwrap_or_default() {
            if !go_on(read(item)?) {
                return Ok(());
            }
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    Ok(())
}
