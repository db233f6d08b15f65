//! The latest messages of many channels, for lists of channels.

use std::collections::HashMap;

use dynamo::value::from_item;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::Message;
use crate::storage::items::MessageItem;
use crate::storage::keys::{self, MESSAGES};
use crate::storage::messages::Messages;

/// How many channels are read.
const MAX_CHANNELS: usize = 20;
/// How many of them at once.
const MAX_CONCURRENCY: usize = 10;

impl Messages<'_> {
    /// The latest `count` messages, newest first, of the first channels of a user whom a call has authenticated: one
    /// query each.
    pub async fn latest(
        self,
        owner: UserId,
        channels: impl Iterator<Item = AgentId>,
        count: usize,
    ) -> Result<HashMap<AgentId, Vec<Message>>, Error> {
        let reads: Vec<_> = channels.take(MAX_CHANNELS).map(|id| self.latest_of(owner, id, count)).collect();
        stream::iter(reads).buffer_unordered(MAX_CONCURRENCY).try_collect().await
    }

    async fn latest_of(self, owner: UserId, id: AgentId, count: usize) -> Result<(AgentId, Vec<Message>), Error> {
        let query = self.store.query_partition(keys::channel_partition(id), MESSAGES).descending().limit(count);
        let mut messages = vec![];
        for item in query.page(None).await?.items {
            let item = from_item::<MessageItem>(item)?;
            if item.owner_id == owner {
                messages.push(Message::from(item));
            }
        }
        Ok((id, messages))
    }
}
