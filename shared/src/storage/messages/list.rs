//! Pages of a channel's messages.

use dynamo::pagination::{Chunk, Entry, fill_page};
use dynamo::value::from_item;
use ulid::Ulid;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::Message;
pub use crate::models::page_request::PageRequest;
use crate::search;
use crate::storage::keys::{self, MESSAGES};
use crate::storage::messages::Messages;
use crate::storage::messages::{MessageItem, RESPONSE_BUDGET, weight_with_texts};
use crate::storage::{Page, join_authorized};

impl PageRequest {
    fn matches(&self, message: &Message) -> bool {
        let text = || search::folded(message.text.as_deref().unwrap_or_default());
        (!self.has_attachments || !message.attachments.is_empty())
            && self.search.as_ref().is_none_or(|search| text().contains(search.as_str()))
    }

    fn is_filtered(&self) -> bool {
        self.has_attachments || self.search.is_some()
    }
}

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
        fill_page(first, request.limit, RESPONSE_BUDGET, see, read_before).await
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
