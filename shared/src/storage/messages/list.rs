//! Pages of a channel's messages.

use dynamo::pagination::{Chunk, Entry, fill_page};
use dynamo::value::from_item;
use ulid::Ulid;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::Message;
use crate::models::page_request::{MAX_PAGE_BYTES, PageRequest};
use crate::storage::items::MessageItem;
use crate::storage::keys::{self, MESSAGES};
use crate::storage::messages::Messages;
use crate::storage::weight::weight_with_texts;
use crate::storage::{Page, join_authorized};

impl Messages<'_> {
    /// A page of a channel's messages; the first call runs while the caller is authenticated.
    pub async fn list(
        self,
        caller: impl Into<Caller>,
        channel: AgentId,
        request: &PageRequest,
    ) -> Result<Page<Message>, Error> {
        let read_before = |before, reads| self.read_page(channel, request, before, reads);
        let (_, first) = join_authorized(self.store.open_channel(caller, channel, &[]), async {
            Ok(read_before(request.before, 0).await?)
        })
        .await?;
        let now = self.store.clock.now();
        let see = |item| {
            let message = Message::from(from_item::<MessageItem>(item)?).seen_at(now);
            let (id, weight) = (message.id.ulid(), weight_with_texts(&message));
            Ok::<_, Error>(Entry { id, listed: request.matches(&message).then_some((message, weight)) })
        };
        fill_page(first, request.limit, MAX_PAGE_BYTES, see, read_before).await
    }

    async fn read_page(
        self,
        channel: AgentId,
        request: &PageRequest,
        before: Option<Ulid>,
        reads: usize,
    ) -> Result<Chunk, dynamo::Error> {
        let query =
            self.store.table.query(keys::channel_partition(channel)).between(MESSAGES, keys::messages_before(before));
        Chunk::read(query, request.limit, request.is_filtered(), reads).await
    }
}
