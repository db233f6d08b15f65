//! A stream that is posted again: the call changes its draft's text, status, metadata and state. The review,
//! files, iteration and webhook of the first call are final, and a call that differs in them is refused.

use std::time::Duration;

use dynamo::value::s;
use dynamo::{Check, Conditional, Transaction, Update, attr, item_exists};

use crate::error::Error;
use crate::ids::MessageId;
use crate::json::Json;
use crate::models::message::TextFormat;
use crate::models::stream::SetWithDraft;
use crate::models::stream::StreamState;
use crate::models::{Message, MessageStatus};
use crate::storage::IdempotentCall;
use crate::storage::items::MessageItem;
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::messages::idempotency::client_record;
use crate::storage::messages::prepared::PreparedMessage;

/// How long a call that changed a draft can be repeated. A call that creates a message can be repeated for as
/// long as the message exists.
const REPEATABLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What an update changes of a draft; `None` leaves it as it is.
#[derive(Default)]
pub struct Change {
    pub text: Option<String>,
    pub format: Option<TextFormat>,
    pub status: Option<MessageStatus>,
    pub metadata: Option<Json>,
    pub state: Option<StreamState>,
    /// Hashes of the members that cannot change; they must equal those of the first call.
    pub set_with_draft: SetWithDraft,
}

impl Messages<'_> {
    /// Changes the draft of the stream that a call names, together with the record that makes the
    /// call safe to repeat.
    pub(super) async fn update_draft(
        self,
        opening: &PreparedMessage,
        draft: MessageId,
        change: Change,
    ) -> Result<Message, Error> {
        let Some(once) = &opening.once else { return self.write_draft(draft, change).await };
        let mut transaction = self.update_record(opening, once, draft)?;
        transaction.push(Write::Draft, self.draft_update(draft, &change));
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => {
                let now = self.poll(&opening.channel, draft, true).await?;
                self.store.reviews().resolve_expiry(now.ok_or(Error::NotFound("stream"))?).await
            }
            Conditional::Refused(Write::Client) => self.message_of_equal_call(opening).await,
            Conditional::Refused(Write::Draft) => {
                let item = self.store.table.get(&keys::message(draft)).await?;
                self.record_no_op(opening, once, repetition_of_final_state(item, &change)?).await
            }
        }
    }

    /// Repeating the final state of a finished stream is a no-op; the call is still recorded for idempotency.
    async fn record_no_op(
        self,
        opening: &PreparedMessage,
        once: &IdempotentCall,
        ended: Message,
    ) -> Result<Message, Error> {
        let mut transaction = self.update_record(opening, once, ended.id)?;
        transaction.push(Write::Draft, Check::new(keys::message(ended.id), item_exists()));
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => self.store.reviews().resolve_expiry(ended).await,
            Conditional::Refused(Write::Client) => self.message_of_equal_call(opening).await,
            Conditional::Refused(Write::Draft) => Err(Error::NotFound("stream")),
        }
    }

    fn update_record(
        self,
        opening: &PreparedMessage,
        once: &IdempotentCall,
        draft: MessageId,
    ) -> Result<Transaction<Write>, Error> {
        let mut transaction = Transaction::new();
        let until = self.store.clock.now().plus(REPEATABLE);
        transaction.push(Write::Client, client_record(opening, once, draft, Some(until))?);
        Ok(transaction)
    }

    /// One conditional update of a draft.
    pub(super) async fn write_draft(self, draft: MessageId, change: Change) -> Result<Message, Error> {
        let message = match self.draft_update(draft, &change).send::<MessageItem>(&self.store.table).await? {
            Conditional::Applied(item) => item.into(),
            Conditional::Refused(item) => repetition_of_final_state(item, &change)?,
        };
        self.store.reviews().resolve_expiry(message).await
    }

    fn draft_update(self, draft: MessageId, change: &Change) -> Update {
        let update = Update::new(keys::message(draft))
            .set("updatedAt", s(self.store.clock.now()))
            .set_some("text", change.text.as_ref().map(s))
            .set_some("format", change.format.map(|format| s(format.word())))
            .set_some("status", change.status.map(|status| s(status.word())))
            .set_some("metadata", change.metadata.as_ref().map(|json| s(json.as_str())))
            .set_some("streamState", change.state.map(|state| s(state.word())))
            .when(attr("streamState").eq(s(StreamState::Streaming.word())));
        let unchanged = change.set_with_draft.hashes();
        unchanged.fold(update, |update, (name, hash)| update.when(attr(format!("setWithDraft.{name}")).eq(s(hash))))
    }
}

/// The writes of a call that changes a draft.
enum Write {
    /// The record that makes the call safe to repeat.
    Client,
    Draft,
}

/// The result of an update that was refused: a finished draft accepts only a repetition of its final state.
fn repetition_of_final_state(item: Option<MessageItem>, change: &Change) -> Result<Message, Error> {
    let item = item.ok_or(Error::NotFound("stream"))?;
    item.set_with_draft.stands(&change.set_with_draft)?;
    let ended = Message::from(item);
    let json = |json: &Option<Json>| json.as_ref().map(|it| it.as_str().to_owned());
    let same = (change.text.is_none() || change.text == ended.text)
        && (change.format.is_none() || change.format == ended.format)
        && (change.status.is_none() || change.status == ended.status)
        && (change.metadata.is_none() || json(&change.metadata) == json(&ended.metadata));
    if change.state == ended.stream_state && same { Ok(ended) } else { Err(Error::StreamEnded) }
}
