//! Chains of iterations: a message and its revisions, numbered from 1.
//!
//! The chain's item lists its members. A revision appends itself on the condition that the list still has the
//! length that its number was derived from, in the transaction that creates the message: so numbers are unique
//! and without gaps. A message is either added to a chain or deleted, never both: each is conditional on the
//! other not having happened.

use dynamo::value::{n, s, to_item};
use dynamo::{Put, Update, Write, attr, item_exists};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::models::{Iterations, Message, Review, ReviewStatus};
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::weight::within_budget;
use crate::validation::ValidationErrors;

/// The most iterations of one message: they are read in one call.
const MAX_ITERATIONS: usize = 100;

/// The position of a revision: after the last member of a chain.
#[derive(Clone, Copy)]
pub(super) struct ChainPosition {
    pub root: MessageId,
    /// The length of the chain as it was read; the transaction verifies it.
    length: usize,
    /// Whether there is a chain already; else the root becomes its first.
    chained: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChainItem {
    pk: String,
    sk: String,
    members: Vec<MessageId>,
}

impl ChainPosition {
    /// Behind `message`, as if it were the last of its chain.
    fn after(message: &Message) -> Self {
        match (message.iteration_group_id, message.iteration) {
            (Some(root), Some(number)) => Self { root, length: number as usize, chained: true },
            _ => Self { root: message.id, length: 1, chained: false },
        }
    }

    /// The message that becomes the first of a new chain.
    pub fn new_root(self) -> Option<MessageId> {
        (!self.chained).then_some(self.root)
    }

    /// The number of the revision at this position.
    pub fn number(self) -> u32 {
        u32::try_from(self.length + 1).unwrap_or(u32::MAX)
    }
}

impl Messages<'_> {
    /// The position of a revision of `message`; a message that cannot be revised is reported. A pending review can
    /// be revised by the message that supersedes it.
    pub(super) async fn position_after(
        self,
        message: Option<Message>,
        superseded: Option<MessageId>,
        problems: &mut ValidationErrors,
    ) -> Result<Option<ChainPosition>, Error> {
        let settled = match message {
            None => None,
            Some(message) => match self.store.reviews().resolve_expiry(message).await {
                Err(Error::NotFound(_)) => None,
                settled => Some(settled?),
            },
        };
        let Some(message) = settled else {
            problems.add(path(), "unknown_message", "there is no such message in this channel");
            return Ok(None);
        };
        let is_pending = |review: &Review| review.status == ReviewStatus::Pending;
        if message.review.as_ref().is_none_or(is_pending) && superseded != Some(message.id) {
            let sentence = "iterationOf must name a message whose review is decided, expired, cancelled or superseded by \
                            this message";
            problems.add(path(), "not_decided", sentence);
            return Ok(None);
        }
        Ok(Some(ChainPosition::after(&message)))
    }

    /// The current position, after another revision was first.
    pub(super) async fn current_position(self, place: ChainPosition) -> Result<ChainPosition, Error> {
        let (chain, root) = (keys::chain(place.root), keys::message(place.root));
        let mut items = self.store.table.get_items(vec![chain.clone(), root.clone()]).await?;
        if let Some(chain) = items.take::<ChainItem>(&chain)? {
            return Ok(ChainPosition { length: chain.members.len(), chained: true, ..place });
        }
        let gone = || Error::field(path(), "unknown_message", "there is no such message in this channel");
        items.take::<MessageItem>(&root)?.ok_or_else(gone)?;
        Ok(ChainPosition { length: 1, chained: false, ..place })
    }

    /// The chain of a message, whichever of it is named; of one that was never revised, itself.
    pub async fn iterations(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<Iterations, Error> {
        let (_, message) = self.load(caller, channel, id).await?;
        let Some(group_id) = message.iteration_group_id else {
            let message = self.store.reviews().resolve_expiry(message).await?;
            return Ok(Iterations { group_id: message.id, iterations: vec![message] });
        };
        let chain = self.store.table.get::<ChainItem>(&keys::chain(group_id)).await?;
        let members = chain.ok_or(Error::NotFound("message"))?.members;
        let mut items = self.store.table.get_items(members.iter().copied().map(keys::message).collect()).await?;
        let mut iterations = vec![];
        for id in members.into_iter().rev() {
            let item = items.take::<MessageItem>(&keys::message(id))?;
            iterations.extend(item.map(|item| Message::from(item).seen_at(self.store.clock.now())));
        }
        // Newest first until here: what does not fit one response is the oldest.
        within_budget(&mut iterations);
        iterations.reverse();
        Ok(Iterations { group_id, iterations })
    }
}

/// The write that adds the message `id` to the chain at its position.
pub(super) fn append_iteration(place: ChainPosition, id: MessageId) -> Result<Write, Error> {
    if place.length >= MAX_ITERATIONS {
        let sentence = format!("a message may have at most {MAX_ITERATIONS} iterations");
        return Err(Error::field(path(), "too_many", sentence));
    }
    let key = keys::chain(place.root);
    if place.chained {
        let append = Update::new(key).append("members", vec![s(id)]);
        return Ok(append.when(item_exists().and(attr("members").len_is(place.length))).into());
    }
    let chain = ChainItem { pk: key.pk, sk: key.sk, members: vec![place.root, id] };
    Ok(Put::create(to_item(&chain)?).into())
}

/// The update of a message that makes it the first of a new chain as well.
pub(super) fn begin_chain(root: MessageId, update: Update) -> Update {
    update
        .set("iterationGroupId", s(root))
        .set("iteration", n(1))
        .when(item_exists().and(attr("iterationGroupId").absent()))
}

fn path() -> Vec<crate::error::Step> {
    vec!["iterationOf".into()]
}
