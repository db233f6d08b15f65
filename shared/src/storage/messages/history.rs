//! The history of a message. It is read off attributes of the message's item that are written once, each in the
//! very update that it describes: no further write can be lost, and nothing rewrites an entry.
//!
//! When the message of a decided act is deleted, the transaction that deletes it stores its history as an item of
//! its own, which nothing but its time to live and the deletion of the user's account removes.

use dynamo::value::{Item, s, to_item};
use dynamo::{Condition, Delete, Key, Put, Transaction, attr, item_exists, until_applied};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{MaybeChannel, MessageId};
use crate::json::Json;
use crate::models::history::History;
use crate::models::{Message, Review};
use crate::storage::items::MessageItem;
use crate::storage::items::entries::{consumed, created, outcome, seen};
use crate::storage::keys;
use crate::storage::messages::Messages;

/// The history of a deleted message.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryItem {
    pk: String,
    sk: String,
    /// As JSON.
    history: String,
    ttl: i64,
}

impl Messages<'_> {
    /// The history of a message, or the one that was kept of a deleted message. Only the user whose agent's
    /// message it was gets it, and the user's API keys; also after the agent was deleted.
    pub async fn history(
        self,
        caller: impl Into<Caller>,
        channel: impl Into<MaybeChannel>,
        id: MessageId,
    ) -> Result<History, Error> {
        let caller = caller.into();
        if let MaybeChannel::Named(named) = channel.into()
            && named != id.channel()
        {
            self.store.admit(caller, &[]).await?;
            return Err(Error::NotFound("message"));
        }
        let (message, kept) = (keys::message(id), keys::history(caller.claimed(), id));
        let also = [message.clone(), kept.clone()];
        let found = self.store.find_channel(caller, id.channel(), &also).await;
        let (channel, mut items) = found.map_err(|err| err.or_not_found("message"))?;
        if channel.is_some()
            && let Some(item) = items.take::<MessageItem>(&message)?
        {
            return Ok(of_message(&self.store.reviews().settle(item).await?));
        }
        let now = self.store.clock.now().epoch_seconds();
        let kept = items.take::<HistoryItem>(&kept)?.filter(|item| item.ttl > now);
        let kept = kept.ok_or(Error::NotFound("message"))?;
        serde_json::from_str(&kept.history).map_err(Error::internal)
    }

    /// Deletes a message that is about an act, for the deletion of its channel. The history of a decided act is
    /// kept.
    pub(in crate::storage) async fn delete_keeping_history(self, key: Key) -> Result<(), Error> {
        until_applied("a message", || async {
            let Some(item) = self.store.table.get::<MessageItem>(&key).await? else { return Ok(Some(())) };
            let mut transaction = Transaction::new();
            transaction.add(Delete::new(key.clone()).when(is_unchanged(&item)));
            if let Some(history) = self.kept_history(&item)? {
                transaction.add(Put::new(history));
            }
            Ok(transaction.commit(&self.store.table).await?.is_applied().then_some(()))
        })
        .await
    }

    /// The item that keeps the history of a message which is about to be deleted, if it is one of a decided act.
    pub(super) fn kept_history(self, item: &MessageItem) -> Result<Option<Item>, Error> {
        let now = self.store.clock.now();
        let history = of_message(item);
        if history.decision.is_none() {
            return Ok(None);
        }
        let history = Json::of(&History { deleted_at: Some(now), ..history }).map_err(Error::internal)?;
        let Key { pk, sk } = keys::history(item.owner_id, item.id);
        let ttl = now.plus(self.store.history_lifetime).epoch_seconds();
        Ok(Some(to_item(&HistoryItem { pk, sk, history: history.as_str().to_owned(), ttl })?))
    }
}

/// The message is there, and what its history tells is as it was read. Of a message that is not about an act only
/// the former matters.
pub(super) fn is_unchanged(item: &MessageItem) -> Condition {
    match &item.review {
        Some(review) if review.action.is_some() => {
            let consumption = attr("review.consumption");
            let consumption = if review.consumption.is_some() { consumption.exists() } else { consumption.absent() };
            item_exists().and(attr("review.status").eq(s(review.status.word()))).and(consumption)
        }
        _ => item_exists(),
    }
}

/// The history of a message as it is stored.
fn of_message(item: &MessageItem) -> History {
    let message = Message::from(item.clone());
    let mut entries = vec![created(&message)];
    if let Some(review) = &message.review {
        entries.extend(seen(item, review));
        entries.extend(outcome(item, review));
        entries.extend(consumed(item, review));
    }
    let act = message.review.as_ref().and_then(Review::act);
    let review = message.review;
    History {
        message_id: message.id,
        deleted_at: None,
        entries,
        action_name: act.map(|act| act.name),
        action_digest: review.as_ref().and_then(|review| review.action_digest.clone()),
        receipt: review.as_ref().and_then(|review| review.receipt.clone()),
        consumed_at: review.as_ref().and_then(|review| Some(review.consumption.as_ref()?.at)),
        decision: review.and_then(|review| review.decision),
    }
}
