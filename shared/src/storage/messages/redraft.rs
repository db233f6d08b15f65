//! A stream that is posted again: it changes its draft's text, status, metadata and state. What
//! the first call asked, attached, revised and addressed stands, and a call that says otherwise is
//! told so instead of half obeyed.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ConditionCheck;

use crate::error::Error;
use crate::ids::MessageId;
use crate::json::Json;
use crate::models::message::{StreamState, TextFormat};
use crate::models::stream::SetWithDraft;
use crate::models::{Message, MessageStatus};
use crate::storage::keys::Key;
use crate::storage::messages::MessageItem;
use crate::storage::messages::create::Draft;
use crate::storage::messages::opening::{Once, Opening};
use crate::storage::updating::{self, Updated, in_transaction};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Item, Store, read, text};

/// How long a call that changed a draft knows itself when it is repeated. One that makes a message
/// does for as long as the message exists.
const REPEATABLE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What an update changes of a draft; `None` leaves it as it is.
#[derive(Default)]
pub struct Change {
    pub text: Option<String>,
    pub format: Option<TextFormat>,
    pub status: Option<MessageStatus>,
    pub metadata: Option<Json>,
    pub state: Option<StreamState>,
    /// What it says of the rest, which has to be what is so.
    pub set_with_draft: SetWithDraft,
}

impl From<&Draft> for Change {
    fn from(draft: &Draft) -> Self {
        Self {
            text: draft.text.clone(),
            format: draft.format,
            status: draft.status,
            metadata: draft.metadata.clone(),
            state: draft.stream_state,
            set_with_draft: draft.set_with_draft.clone(),
        }
    }
}

impl Store {
    /// Changes the draft of the stream that a call names, together with the record that makes the
    /// call safe to repeat.
    pub(super) async fn redraft(&self, opening: &Opening, draft: MessageId, change: Change) -> Result<Message, Error> {
        let Some(once) = &opening.once else { return self.change_draft(draft, change).await };
        let mut transaction = self.record_redraft(opening, once, draft)?;
        transaction.update(in_transaction(&self.draft_update(draft, &change))?);
        match self.commit(transaction).await? {
            Outcome::Done => {
                let now = self.look(&opening.channel, draft, true).await?;
                self.settled(now.ok_or(Error::NotFound("stream"))?).await
            }
            Outcome::Refused(0) => self.message_of_equal_call(opening).await,
            Outcome::Refused(_) => {
                let key = Key::message(draft);
                let item = self.get_all(vec![key.clone()]).await?.0.remove(&key);
                self.record_said_again(opening, once, said_again(item, &change)?).await
            }
        }
    }

    /// A call that says of a draft which has ended what is so already changes nothing, and is
    /// recorded as any other.
    async fn record_said_again(&self, opening: &Opening, once: &Once, ended: Message) -> Result<Message, Error> {
        let mut transaction = self.record_redraft(opening, once, ended.id)?;
        let key = Key::message(ended.id).attributes();
        let there = ConditionCheck::builder().table_name(&*self.table).set_key(Some(key));
        transaction.check(there.condition_expression("attribute_exists(pk)"))?;
        match self.commit(transaction).await? {
            Outcome::Done => self.settled(ended).await,
            Outcome::Refused(0) => self.message_of_equal_call(opening).await,
            Outcome::Refused(_) => Err(Error::NotFound("stream")),
        }
    }

    fn record_redraft(&self, opening: &Opening, once: &Once, draft: MessageId) -> Result<Transaction, Error> {
        let mut transaction = Transaction::default();
        let until = self.clock.now().plus(REPEATABLE);
        self.record_call(&mut transaction, opening, once, draft, Some(until))?;
        Ok(transaction)
    }

    /// One conditional update of a draft.
    pub(super) async fn change_draft(&self, draft: MessageId, change: Change) -> Result<Message, Error> {
        let message = match updating::sent(self.draft_update(draft, &change)).await? {
            Updated::Made(item) => read::<MessageItem>(item)?.into(),
            Updated::Missed(item) => said_again(item, &change)?,
        };
        self.settled(message).await
    }

    fn draft_update(&self, draft: MessageId, change: &Change) -> UpdateItemFluentBuilder {
        let values = [
            ("text", change.text.as_ref().map(text)),
            ("format", change.format.map(|format| text(format.word()))),
            ("status", change.status.map(|status| text(status.word()))),
            ("metadata", change.metadata.as_ref().map(|json| text(json.as_str()))),
            ("streamState", change.state.map(|state| text(state.word()))),
        ];
        let mut set = "SET updatedAt = :now".to_owned();
        let mut condition = "#streamState = :streaming".to_owned();
        let mut update = self
            .updating(&Key::message(draft))
            .expression_attribute_names("#streamState", "streamState")
            .expression_attribute_values(":streaming", text(StreamState::Streaming.word()))
            .expression_attribute_values(":now", text(self.clock.now()));
        for (name, value) in values {
            if let Some(value) = value {
                set.push_str(&format!(", #{name} = :{name}"));
                update = update
                    .expression_attribute_names(format!("#{name}"), name)
                    .expression_attribute_values(format!(":{name}"), value);
            }
        }
        for (name, hash) in change.set_with_draft.hashes() {
            condition.push_str(&format!(" AND setWithDraft.{name} = :{name}"));
            update = update.expression_attribute_values(format!(":{name}"), text(hash));
        }
        update.update_expression(set).condition_expression(condition)
    }
}

/// A draft that an update did not fit: of one that has ended, only what is so already may be said
/// again.
fn said_again(item: Option<Item>, change: &Change) -> Result<Message, Error> {
    let item: MessageItem = read(item.ok_or(Error::NotFound("stream"))?)?;
    item.set_with_draft.stands(&change.set_with_draft)?;
    let ended = Message::from(item);
    let json = |json: &Option<Json>| json.as_ref().map(|it| it.as_str().to_owned());
    let same = (change.text.is_none() || change.text == ended.text)
        && (change.format.is_none() || change.format == ended.format)
        && (change.status.is_none() || change.status == ended.status)
        && (change.metadata.is_none() || json(&change.metadata) == json(&ended.metadata));
    if change.state == ended.stream_state && same { Ok(ended) } else { Err(Error::StreamEnded) }
}
