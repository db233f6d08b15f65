//! Pages of a channel's messages, newest first.
//!
//! The cursor is the id of the last message that a page looked at, and the next page reads what
//! is older: messages that arrive meanwhile are newer, so nothing is skipped or shown twice.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use ulid::Ulid;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::error::Error;
use crate::ids::AgentId;
use crate::models::Message;
use crate::storage::keys::{self, MESSAGES};
use crate::storage::messages::{MessageItem, within_budget};
use crate::storage::{Item, Store, beside, read, text, trouble};

/// A search reads on at most this many times before it hands back a cursor.
const MAX_READS: usize = 10;
/// How many messages one read of a search looks at.
const SEARCHED_AT_ONCE: usize = 200;

/// Which messages of a channel, and how many.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// How many at most.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 100, default = 50)]
    pub limit: usize,
    /// The `nextCursor` of the page before.
    #[param(rename = "cursor", value_type = Option<String>)]
    pub before: Option<Ulid>,
    // Kept in lower case.
    /// Only messages whose text contains this, in any case.
    pub search: Option<String>,
    /// `true` for only those with attachments.
    #[param(value_type = Option<bool>, default = false)]
    pub has_attachments: bool,
}

pub struct MessagePage {
    pub messages: Vec<Message>,
    pub next: Option<Ulid>,
}

impl PageRequest {
    fn matches(&self, message: &Message) -> bool {
        let text = || message.text.as_deref().unwrap_or_default().to_lowercase();
        (!self.has_attachments || !message.attachments.is_empty())
            && self.search.as_ref().is_none_or(|search| text().contains(search.as_str()))
    }

    fn is_filtered(&self) -> bool {
        self.has_attachments || self.search.is_some()
    }
}

/// One Query's worth.
struct Read {
    items: Vec<Item>,
    more: bool,
}

impl Store {
    /// A page of a channel, its first read beside the check of the caller.
    pub async fn messages_in(
        &self,
        caller: impl Into<Caller>,
        channel: Option<AgentId>,
        request: &PageRequest,
    ) -> Result<MessagePage, Error> {
        let Some(id) = channel else {
            return Err(self.open(caller, None, &[]).await.err().unwrap_or(Error::NotYourAgent));
        };
        let first = self.read_messages(id, request, request.before);
        let (_, first) = beside(self.open(caller, channel, &[]), first).await?;
        self.page_from(id, request, first).await
    }

    async fn page_from(&self, channel: AgentId, request: &PageRequest, first: Read) -> Result<MessagePage, Error> {
        let now = self.clock.now();
        let (mut found, mut last_seen, mut current, mut reads) = (vec![], request.before, first, 1);
        // One more than asked for tells whether there is a next page.
        loop {
            for item in std::mem::take(&mut current.items) {
                let message = Message::from(read::<MessageItem>(item)?).seen_at(now);
                last_seen = Some(message.id.ulid());
                if request.matches(&message) {
                    found.push(message);
                    if found.len() > request.limit {
                        break;
                    }
                }
            }
            if found.len() > request.limit || !current.more || reads == MAX_READS {
                break;
            }
            current = self.read_messages(channel, request, last_seen).await?;
            reads += 1;
        }
        let full = found.len() > request.limit;
        found.truncate(request.limit);
        let next = if within_budget(&mut found, true) || full {
            found.last().map(|message| message.id.ulid())
        } else {
            last_seen.filter(|_| current.more)
        };
        Ok(MessagePage { messages: found, next })
    }

    async fn read_messages(
        &self,
        channel: AgentId,
        request: &PageRequest,
        before: Option<Ulid>,
    ) -> Result<Read, Error> {
        let at_once = if request.is_filtered() { SEARCHED_AT_ONCE } else { request.limit + 1 };
        let range: HashMap<String, AttributeValue> = HashMap::from([
            (":pk".into(), text(keys::channel_partition(channel))),
            (":first".into(), text(MESSAGES)),
            (":last".into(), text(keys::messages_before(before))),
        ]);
        let query = self
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .set_expression_attribute_values(Some(range))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(at_once).unwrap_or(i32::MAX));
        let page = query.send().await.map_err(trouble)?;
        Ok(Read { more: page.last_evaluated_key.is_some(), items: page.items.unwrap_or_default() })
    }
}
