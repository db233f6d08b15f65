//! Making a message: two calls. The first verifies the caller and reads what the message refers
//! to; the second writes the message, its files and its idempotency record, together or not at all.

use aws_sdk_dynamodb::types::Update;
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, FileId, MessageId};
use crate::input::Problems;
use crate::json::Json;
use crate::meter;
use crate::models::AskReview;
use crate::models::{Attachment, DeliveryStatus, Message, MessageStatus, ReviewStatus, SenderType};
use crate::storage::files::FileItem;
use crate::storage::keys::{Key, due, owned};
use crate::storage::messages::MessageItem;
use crate::storage::messages::item::{AttachmentItem, ReviewItem};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Channel, Items, Store, size, text, written};

/// Who a message is from.
enum Sender {
    Agent,
    Human,
}

/// A message to be made.
#[derive(Default)]
pub struct Draft {
    pub text: Option<String>,
    pub status: Option<MessageStatus>,
    pub metadata: Option<Json>,
    pub review: Option<AskReview>,
    pub webhook_url: Option<String>,
    /// Files whose bytes are placed and that come into being with this message.
    pub placed: Vec<Attachment>,
}

/// What makes a call safe to repeat.
pub struct Once {
    pub client_id: String,
    pub body_hash: String,
}

/// How a message begins.
pub enum Begun {
    /// The same call was made before: this is its message.
    Repeat(Message),
    New(Opening),
}

/// A message that may be made: its channel is open and the files it claims are free.
pub struct Opening {
    pub channel: Channel,
    sender: Sender,
    once: Option<Once>,
    claimed: Vec<Attachment>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientItem {
    pk: String,
    sk: String,
    message_id: MessageId,
    body_hash: String,
}

impl Store {
    /// Opens the channel and judges what the call refers to: an earlier call with the same
    /// client id, and the files it wants to attach.
    pub async fn begin_message(
        &self,
        caller: impl Into<Caller>,
        channel: &str,
        once: Option<Once>,
        attachment_ids: &[String],
    ) -> Result<Begun, Error> {
        let caller = caller.into();
        let sender = if matches!(caller, Caller::Agent(_)) { Sender::Agent } else { Sender::Human };
        let id: Option<AgentId> = channel.parse().ok();
        let client = id.zip(once.as_ref()).map(|(id, once)| Key::client(id, &once.client_id));
        let files: Vec<Option<FileId>> = attachment_ids.iter().map(|text| file_in(id, text)).collect();
        let mut wanted: Vec<Key> = files.iter().flatten().copied().map(Key::file).collect();
        wanted.extend(client.clone());

        let (channel, mut items) = self.open(caller, id, &wanted).await?;
        if let (Some(key), Some(once)) = (client, &once)
            && let Some(record) = items.take::<ClientItem>(&key)?
            && let Some(message) = self.repeat_of(&channel, record, once).await?
        {
            return Ok(Begun::Repeat(message));
        }
        match (free_files(&files, items), once) {
            (Ok(claimed), once) => Ok(Begun::New(Opening { channel, sender, once, claimed })),
            // An equal call may have claimed the files after its record was looked for.
            (Err(taken), Some(once)) => self.lost_to(&channel, once).await?.map(Begun::Repeat).ok_or(taken),
            (Err(taken), None) => Err(taken),
        }
    }

    /// The message of an earlier call; `None` when it was deleted with its record meanwhile.
    async fn repeat_of(&self, channel: &Channel, record: ClientItem, once: &Once) -> Result<Option<Message>, Error> {
        if record.body_hash != once.body_hash {
            return Err(Error::IdempotencyConflict);
        }
        match self.look(channel, record.message_id, true).await? {
            Some(message) => self.settled(message).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes the message. Of equal calls at once one writes; the others give its message.
    pub async fn create_message(&self, opening: Opening, draft: Draft) -> Result<Message, Error> {
        let item = self.message_item(&opening, draft, self.clock.now())?;
        let Opening { channel, once, claimed, .. } = opening;
        let id = item.id;
        let stored = written(&item)?;
        if size::of(&stored) > size::MAX_ITEM - size::ROOM_FOR_ANSWERS {
            let sentence = "The message is too large as a whole (text, metadata, payload, names of files): send long content as a file, with textAttachments.";
            return Err(Error::TooLarge(sentence.to_owned()));
        }
        let message = Message::from(item);
        if once.is_none() && message.attachments.is_empty() {
            self.put_new(stored).await?;
            meter::made_message(message.sender_type);
            return Ok(message);
        }

        let mut transaction = Transaction::default();
        if let Some(once) = &once {
            let Key { pk, sk } = Key::client(channel.id(), &once.client_id);
            let record = ClientItem { pk, sk, message_id: id, body_hash: once.body_hash.clone() };
            transaction.create(self, written(&record)?)?;
        }
        transaction.create(self, stored)?;
        for file in &claimed {
            transaction.update(self.claim(file, id)?);
        }
        for file in &message.attachments[claimed.len()..] {
            transaction.create(self, written(&FileItem::new(&channel, file))?)?;
        }
        match self.commit(transaction).await? {
            Outcome::Done => {
                meter::made_message(message.sender_type);
                Ok(message)
            }
            Outcome::Refused(position) => match once {
                Some(once) if position == 0 => {
                    let deleted = || Error::unavailable("the message of an equal call was deleted meanwhile");
                    self.lost_to(&channel, once).await?.ok_or_else(deleted)
                }
                once => Err(already_attached(position - 1 - usize::from(once.is_some()))),
            },
        }
    }

    /// The message of another call with the same client id, if one was first.
    async fn lost_to(&self, channel: &Channel, once: Once) -> Result<Option<Message>, Error> {
        let key = Key::client(channel.id(), &once.client_id);
        let record = self.get_all(vec![key.clone()]).await?.take::<ClientItem>(&key)?;
        match record {
            Some(record) => self.repeat_of(channel, record, &once).await,
            None => Ok(None),
        }
    }

    /// The condition that lets exactly one message claim a file.
    fn claim(&self, file: &Attachment, message: MessageId) -> Result<Update, Error> {
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(Key::file(file.id).attributes()))
            .update_expression("SET messageId = :message REMOVE dueShard, dueSort")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(messageId)")
            .expression_attribute_values(":message", text(message))
            .build()
            .map_err(Error::internal)
    }

    fn message_item(&self, opening: &Opening, draft: Draft, now: Timestamp) -> Result<MessageItem, Error> {
        let channel = &opening.channel;
        let id = MessageId::new(channel.id(), now);
        let key = Key::message(id);
        let review = draft.review.map(|asked| review_item(asked, now)).transpose()?;
        let due = review.as_ref().map(|review| due(review.expires_at, id.ulid(), &key));
        let (due_shard, due_sort) = due.map(|due| (due.shard, due.sort)).unzip();
        let (sender_type, sender_id) = match opening.sender {
            Sender::Agent => (SenderType::Agent, channel.id().to_string()),
            Sender::Human => (SenderType::User, channel.owner().to_string()),
        };
        let files = opening.claimed.iter().chain(&draft.placed);
        Ok(MessageItem {
            pk: key.pk,
            sk: key.sk,
            owner_id: channel.owner(),
            owner_sort: review.as_ref().map(|_| owned::review(ReviewStatus::Pending, id)),
            due_shard,
            due_sort,
            id,
            sender_type,
            sender_id,
            text: draft.text,
            status: draft.status,
            review,
            metadata: draft.metadata,
            delivery_status: DeliveryStatus::Sent,
            client_id: opening.once.as_ref().map(|once| once.client_id.clone()),
            iteration_group_id: None,
            iteration: None,
            stream_id: None,
            stream_state: None,
            webhook_url: draft.webhook_url,
            attachments: files.map(AttachmentItem::from).collect(),
            created_at: now,
            updated_at: now,
        })
    }
}

fn review_item(asked: AskReview, now: Timestamp) -> Result<ReviewItem, Error> {
    let expires_at = asked.expires_at(now)?;
    Ok(ReviewItem {
        kind: asked.kind,
        payload: asked.payload,
        status: ReviewStatus::Pending,
        response: None,
        feedback: None,
        modified_file_ids: None,
        callback: asked.callback,
        expires_at,
        completed_at: None,
        responded_by: None,
        seen_at: None,
        answer_id: None,
    })
}

/// The file that a text names, if it could be one of this channel.
pub(in crate::storage) fn file_in(channel: Option<AgentId>, text: &str) -> Option<FileId> {
    text.parse().ok().filter(|id: &FileId| Some(id.channel()) == channel)
}

/// The files to attach, or which of them cannot be.
fn free_files(ids: &[Option<FileId>], mut items: Items) -> Result<Vec<Attachment>, Error> {
    let (mut free, mut problems) = (vec![], Problems::default());
    for (index, id) in ids.iter().enumerate() {
        let item = id.map(|id| items.take::<FileItem>(&Key::file(id))).transpose()?.flatten();
        let path = vec!["attachmentIds".into(), index.into()];
        match item.map(Attachment::from) {
            None => problems.add(path, "unknown_attachment", "there is no such file in this channel"),
            Some(file) if file.message_id.is_some() => {
                problems.add(path, "already_attached", "this file belongs to another message already");
            }
            Some(file) => free.push(file),
        }
    }
    problems.or(Some(free))
}

fn already_attached(index: usize) -> Error {
    let path = ["attachmentIds".into(), index.into()];
    Error::field(path, "already_attached", "this file belongs to another message already")
}
