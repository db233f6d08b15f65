//! Chains of iterations: a message and its revisions, numbered from 1.
//!
//! The chain's item lists its members. A revision appends itself only while the list has the
//! length that its number follows from, in the transaction that makes the message: so no number
//! is given twice, and none is left out. A message goes into a chain or is deleted, never both:
//! each is conditional on the other not having happened.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, Update};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::input::Problems;
use crate::models::{Iterations, Message, ReviewStatus};
use crate::storage::keys::Key;
use crate::storage::messages::{MessageItem, within_budget};
use crate::storage::writing::Transaction;
use crate::storage::{Store, text, written};

/// The most iterations of one message: they are read in one call.
const MAX_ITERATIONS: usize = 100;

/// Where a revision goes: behind the last of a chain.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub root: MessageId,
    /// How long the chain is thought to be; the transaction finds out.
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

impl Place {
    /// Behind `message`, as if it were the last of its chain.
    fn after(message: &Message) -> Self {
        match (message.iteration_group_id, message.iteration) {
            (Some(root), Some(number)) => Self { root, length: number as usize, chained: true },
            _ => Self { root: message.id, length: 1, chained: false },
        }
    }

    /// The number of the revision that goes here.
    pub fn number(self) -> u32 {
        u32::try_from(self.length + 1).unwrap_or(u32::MAX)
    }
}

impl Store {
    /// Where a revision of `message` goes; that it cannot be revised is noted.
    pub(super) async fn place_after(
        &self,
        message: Option<Message>,
        problems: &mut Problems,
    ) -> Result<Option<Place>, Error> {
        let settled = match message {
            None => None,
            Some(message) => match self.settled(message).await {
                Err(Error::NotFound(_)) => None,
                settled => Some(settled?),
            },
        };
        let Some(message) = settled else {
            problems.add(path(), "unknown_message", "there is no such message in this channel");
            return Ok(None);
        };
        if message.review.as_ref().is_none_or(|review| review.status == ReviewStatus::Pending) {
            let sentence = "iterationOf must name a message whose review is completed or expired";
            problems.add(path(), "not_decided", sentence);
            return Ok(None);
        }
        Ok(Some(Place::after(&message)))
    }

    /// The place as the table has it now, after somebody else was faster.
    pub(super) async fn place_now(&self, place: Place) -> Result<Place, Error> {
        let (chain, root) = (Key::chain(place.root), Key::message(place.root));
        let mut items = self.get_all(vec![chain.clone(), root.clone()]).await?;
        if let Some(chain) = items.take::<ChainItem>(&chain)? {
            return Ok(Place { length: chain.members.len(), chained: true, ..place });
        }
        let gone = || Error::field(path(), "unknown_message", "there is no such message in this channel");
        items.take::<MessageItem>(&root)?.ok_or_else(gone)?;
        Ok(Place { length: 1, chained: false, ..place })
    }

    /// The writes that put the message `id` into its place.
    pub(super) fn append_iteration(
        &self,
        transaction: &mut Transaction,
        place: Place,
        id: MessageId,
        now: Timestamp,
    ) -> Result<(), Error> {
        if place.length >= MAX_ITERATIONS {
            let sentence = format!("a message may have at most {MAX_ITERATIONS} iterations");
            return Err(Error::field(path(), "too_many", sentence));
        }
        let key = Key::chain(place.root);
        if place.chained {
            let append = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(key.attributes()))
                .update_expression("SET members = list_append(members, :new)")
                .condition_expression("attribute_exists(pk) AND size(members) = :length")
                .expression_attribute_values(":new", AttributeValue::L(vec![text(id)]))
                .expression_attribute_values(":length", AttributeValue::N(place.length.to_string()));
            transaction.update(append.build().map_err(Error::internal)?);
            return Ok(());
        }
        let chain = ChainItem { pk: key.pk, sk: key.sk, members: vec![place.root, id] };
        let put = Put::builder().table_name(&*self.table).set_item(Some(written(&chain)?));
        transaction.put_if(put.condition_expression("attribute_not_exists(pk)"))?;
        let root = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::message(place.root).attributes()))
            .update_expression("SET iterationGroupId = :root, iteration = :first, updatedAt = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(iterationGroupId)")
            .set_expression_attribute_values(Some(HashMap::from([
                (":root".to_owned(), text(place.root)),
                (":first".to_owned(), AttributeValue::N("1".to_owned())),
                (":now".to_owned(), text(now)),
            ])));
        transaction.update(root.build().map_err(Error::internal)?);
        Ok(())
    }

    /// The chain of a message, whichever of it is named; of one that was never revised, itself.
    pub async fn iterations(
        &self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: Option<MessageId>,
    ) -> Result<Iterations, Error> {
        let (_, message) = self.open_message(caller, channel, id).await?;
        let Some(group_id) = message.iteration_group_id else {
            let message = self.settled(message).await?;
            return Ok(Iterations { group_id: message.id, iterations: vec![message] });
        };
        let chain = Key::chain(group_id);
        let chain = self.get_all(vec![chain.clone()]).await?.take::<ChainItem>(&chain)?;
        let members = chain.ok_or(Error::NotFound("message"))?.members;
        let mut items = self.get_all(members.iter().copied().map(Key::message).collect()).await?;
        let mut iterations = vec![];
        for id in members.into_iter().rev() {
            let item = items.take::<MessageItem>(&Key::message(id))?;
            iterations.extend(item.map(|item| Message::from(item).seen_at(self.clock.now())));
        }
        // Newest first until here: what does not fit one response is the oldest.
        within_budget(&mut iterations);
        iterations.reverse();
        Ok(Iterations { group_id, iterations })
    }
}

fn path() -> Vec<crate::error::Step> {
    vec!["iterationOf".into()]
}
