//! Pages of a channel's messages.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use ulid::Ulid;

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::Message;
pub use crate::models::page_request::PageRequest;
use crate::search;
use crate::storage::keys::{self, MESSAGES};
use crate::storage::messages::{MessageItem, weight_with_texts};
use crate::storage::paging::{Page, Read, Seen, page_from};
use crate::storage::{Store, beside, read, text};

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

impl Store {
    /// A page of a channel, its first read beside the check of the caller.
    pub async fn messages_in(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        request: &PageRequest,
    ) -> Result<Page<Message>, Error> {
        let Some(id) = channel else {
            return Err(self.open(caller, None, &[]).await.err().unwrap_or(Error::NotYourAgent));
        };
        let read_before = |before, reads| self.read_messages(id, request, before, reads);
        let (_, first) = beside(self.open(caller, channel, &[]), read_before(request.before, 0)).await?;
        let now = self.clock.now();
        let see = |item| {
            let message = Message::from(read::<MessageItem>(item)?).seen_at(now);
            let (id, weight) = (message.id.ulid(), weight_with_texts(&message));
            Ok(Seen { id, shown: request.matches(&message).then_some((message, weight)) })
        };
        page_from(first, request.limit, see, read_before).await
    }

    async fn read_messages(
        &self,
        channel: AgentId,
        request: &PageRequest,
        before: Option<Ulid>,
        reads: usize,
    ) -> Result<Read, Error> {
        let range: HashMap<String, AttributeValue> = HashMap::from([
            (":pk".into(), text(keys::channel_partition(channel))),
            (":first".into(), text(MESSAGES)),
            (":last".into(), text(keys::messages_before(before))),
        ]);
        let query = self
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .set_expression_attribute_values(Some(range))
            .consistent_read(true);
        Read::of(query, request.limit, request.is_filtered(), reads).await
    }
}
