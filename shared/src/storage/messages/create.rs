//! Creating a message in two calls. The first authenticates the caller and reads what the message refers to
//! (`prepare`); the second writes the message, its files and its records in one transaction.

use dynamo::value::{Item, s, to_item};
use dynamo::{Conditional, Delete, Put, Transaction, Update, attr, item_exists, item_size, pause};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::MessageId;
use crate::json::Json;
use crate::models::message::TextFormat;
use crate::models::stream::SetWithDraft;
use crate::models::stream::StreamState;
use crate::models::{AskReview, Attachment, DeliveryStatus, Message, MessageStatus, ReviewStatus, SenderType};
use crate::review::Act;
use crate::storage::Channel;
use crate::storage::files::{ObjectCleanup, UploadedFiles, too_late};
use crate::storage::items::{AttachmentItem, FileItem, MessageItem, ReviewItem};
use crate::storage::keys::{self, due, owned};
use crate::storage::messages::Messages;
use crate::storage::messages::idempotency::client_record;
use crate::storage::messages::iterations::{ChainPosition, append_iteration, begin_chain};
use crate::storage::messages::prepared::PreparedMessage;
use crate::storage::messages::stream_item::{Stream, begin_draft};
use crate::storage::messages::stream_update::Change;
use crate::storage::messages::supersede::supersede;
use crate::storage::room;
use crate::storage::webhooks;
use crate::telemetry::cost;

/// A message to be made.
#[derive(Default)]
pub struct NewMessage {
    pub text: Option<String>,
    pub format: Option<TextFormat>,
    pub status: Option<MessageStatus>,
    pub metadata: Option<Json>,
    pub review: Option<AskReview>,
    pub webhook_url: Option<String>,
    /// Of a message that has a stream.
    pub stream_state: Option<StreamState>,
    pub set_with_draft: SetWithDraft,
    /// Files that come into being with this message.
    pub uploads: UploadedFiles,
}

impl From<&NewMessage> for Change {
    fn from(draft: &NewMessage) -> Self {
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

/// How long JSON writes one byte at most.
const MAX_JSON_BYTES_PER_BYTE: usize = 6;
/// More than the rest of a message without attachments takes in JSON.
const FRAME: usize = 8 * 1024;

/// The writes of a message's transaction, by what a refusal means.
enum Part {
    /// An equal call was first.
    Client,
    /// A call of the same stream was first, or a status event came.
    Stream,
    Message,
    /// Another message took the file at this position, or its upload's message changed.
    Claim(usize),
    /// An equal upload was first.
    Call,
    File,
    /// The cleanup record of uploaded files, which was due or deleted with the channel.
    Cleanup,
    /// Another revision was first, or the message that is revised was deleted.
    Iteration,
    /// The review to supersede was decided or deleted.
    Superseded(MessageId),
}

impl Messages<'_> {
    /// Writes the message. Of equal calls at once one writes; the others get its message. A call that continues
    /// a stream changes the stream's draft. Uploaded files that the message does not have are deleted again.
    pub async fn create(self, opening: PreparedMessage, draft: NewMessage) -> Result<Message, Error> {
        let (cleanup, first) = (draft.uploads.cleanup.clone(), draft.uploads.files.first().map(|file| file.id));
        let written = self.create_or_repeat(opening, draft).await;
        let left_out = match &written {
            Ok(message) => !message.attachments.iter().any(|kept| Some(kept.id) == first),
            // After a 5xx the outcome is unknown; the cleanup record decides.
            Err(err) => err.status().is_client_error(),
        };
        if left_out {
            self.store.files().run_cleanups(cleanup.into_iter().collect()).await;
        }
        written
    }

    async fn create_or_repeat(self, mut opening: PreparedMessage, mut draft: NewMessage) -> Result<Message, Error> {
        const MAX_ATTEMPTS: u32 = 30;
        let change = Change::from(&draft);
        if let Some(existing) = opening.draft() {
            return self.update_draft(&opening, existing, change).await;
        }
        let cleanup = draft.uploads.cleanup.take();
        let mut item = self.new_item(&opening, draft, self.store.clock.now())?;
        for again in 0..MAX_ATTEMPTS {
            place_in(&mut item, &opening);
            let Some(refused) = self.write(&opening, &item, cleanup.as_ref()).await? else {
                cost::record_message(item.sender_type);
                return Ok(item.into());
            };
            match refused {
                Part::Client => return self.message_of_equal_call(&opening).await,
                Part::Claim(index) => return Err(already_attached(index)),
                Part::Call => return Err(Error::IdempotencyConflict),
                Part::Cleanup => return Err(too_late()),
                Part::Superseded(old) => return Err(self.why_not_superseded(old).await?),
                Part::Message | Part::File => return Err(Error::internal("an id that was just made is taken")),
                Part::Stream => {
                    if let Some(stream) = &mut opening.stream {
                        self.reload_stream(opening.channel.id(), stream).await?;
                    }
                    if let Some(existing) = opening.draft() {
                        return self.update_draft(&opening, existing, change).await;
                    }
                }
                Part::Iteration => {
                    if let Some(place) = opening.place {
                        opening.place = Some(self.current_position(place).await?);
                    }
                }
            }
            pause(again.min(3)).await;
        }
        Err(Error::unavailable("a message kept meeting others on its stream or chain"))
    }

    /// One attempt to write the message. Gives the write that was refused, if one was.
    async fn write(
        self,
        opening: &PreparedMessage,
        item: &MessageItem,
        cleanup: Option<&ObjectCleanup>,
    ) -> Result<Option<Part>, Error> {
        let stored = to_item(item)?;
        has_room(&stored)?;
        if item.sender_type == SenderType::User {
            can_be_delivered(item)?;
        }
        let alone = opening.once.is_none() && opening.stream.is_none() && opening.place.is_none();
        if alone && item.attachments.is_empty() && opening.superseded.is_none() {
            return Ok(self.store.table.put_new(stored).await.map(|()| None)?);
        }
        let mut transaction = self.transaction(opening, item, stored)?;
        if let Some(cleanup) = cleanup {
            transaction.push(Part::Cleanup, cleanup.cancel(self.store.clock.now()));
        }
        add_to_chain(&mut transaction, opening, item)?;
        Ok(match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => None,
            Conditional::Refused(part) => Some(part),
        })
    }

    /// The writes of a message and its files. The records of equal calls come first, so that an equal call
    /// which was first shows in the first refusal.
    fn transaction(
        self,
        opening: &PreparedMessage,
        item: &MessageItem,
        stored: Item,
    ) -> Result<Transaction<Part>, Error> {
        let mut transaction = Transaction::new();
        if let Some(once) = &opening.once {
            transaction.push(Part::Client, client_record(opening, once, item.id, None)?);
        }
        if let Some(call) = &opening.call {
            let file = item.attachments.first().map(AttachmentItem::id);
            let file = file.ok_or_else(|| Error::internal("an upload has no file"))?;
            transaction.push(Part::Call, self.store.call_record(call, file)?);
        }
        if let Some(stream) = &opening.stream {
            transaction.push(Part::Stream, begin_draft(stream, item.id));
        }
        transaction.push(Part::Message, Put::create(stored));
        for (index, file) in opening.claimed.iter().enumerate() {
            transaction.push(Part::Claim(index), claim(file, item.id));
            if let Some(holder) = file.message_id {
                let delete = Delete::new(keys::message(holder)).when(item_exists());
                transaction.push(Part::Claim(index), delete);
            }
        }
        for uploads in &item.attachments[opening.claimed.len()..] {
            let file = FileItem::new(&opening.channel, &uploads.clone().of(item.id));
            transaction.push(Part::File, Put::create(to_item(&file)?));
        }
        Ok(transaction)
    }

    fn new_item(self, opening: &PreparedMessage, draft: NewMessage, now: Timestamp) -> Result<MessageItem, Error> {
        let channel = &opening.channel;
        let id = MessageId::new(channel.id(), self.store.clock.stamp());
        let key = keys::message(id);
        let review = draft.review.map(|asked| review_item(asked, now)).transpose()?;
        let due = review.as_ref().map(|review| due(review.expires_at, id.ulid(), &key));
        let (due_shard, due_sort) = due.map(|due| (due.shard, due.sort)).unzip();
        let stream = opening.stream.as_ref();
        let files = opening.claimed.iter().chain(&draft.uploads.files);
        Ok(MessageItem {
            pk: key.pk,
            sk: key.sk,
            owner_id: channel.owner(),
            owner_sort: review.as_ref().map(|_| owned::pending_review(id)),
            due_shard,
            due_sort,
            id,
            sender_type: opening.sender,
            sender_id: sender_id(channel, opening.sender),
            text: draft.text,
            format: draft.format,
            status: draft.status,
            review,
            metadata: draft.metadata,
            delivery_status: DeliveryStatus::Sent,
            client_id: opening.once.as_ref().map(|once| once.client_id.clone()),
            supersedes: opening.superseded,
            superseded_by: None,
            iteration_group_id: None,
            iteration: None,
            stream_id: stream.map(|stream| stream.id.as_str().to_owned()),
            stream_state: stream.and(draft.stream_state),
            set_with_draft: draft.set_with_draft,
            status_events: vec![],
            event_bytes: None,
            event_ids: vec![],
            webhook_url: draft.webhook_url,
            attachments: files.map(AttachmentItem::from).collect(),
            is_upload: opening.is_upload,
            created_at: now,
            updated_at: now,
        })
    }
}

fn sender_id(channel: &Channel, sender: SenderType) -> String {
    match sender {
        SenderType::Agent => channel.id().to_string(),
        SenderType::User => channel.owner().to_string(),
    }
}

/// Claims a file for a message, on the condition that nothing holds it, or only its upload's message, which is
/// deleted in the same transaction.
fn claim(file: &Attachment, message: MessageId) -> Update {
    let is_free = match file.message_id {
        None => item_exists().and(attr("messageId").absent()),
        Some(holder) => attr("messageId").eq(s(holder)),
    };
    Update::new(keys::file(file.id))
        .set("messageId", s(message))
        .remove("dueShard")
        .remove("dueSort")
        .remove("announced")
        .when(is_free)
}

fn review_item(asked: AskReview, now: Timestamp) -> Result<ReviewItem, Error> {
    let expires_at = asked.expires_at(now)?;
    Ok(ReviewItem {
        kind: asked.kind,
        payload: asked.payload,
        action_digest: asked.act.as_ref().map(Act::digest),
        action: asked.action,
        status: ReviewStatus::Pending,
        response: None,
        feedback: None,
        modified_file_ids: None,
        callback: asked.callback,
        expires_at,
        completed_at: None,
        responded_by: None,
        responded_on: None,
        seen_at: None,
        seen_on: None,
        cancel_reason: None,
        cancelled_at: None,
        decision_id: None,
        decision: None,
        receipt: None,
        consumption: None,
    })
}

/// Adds the writes of the chain and of the review that is superseded: one write, if that review becomes the first of
/// a new chain.
fn add_to_chain(
    transaction: &mut Transaction<Part>,
    opening: &PreparedMessage,
    item: &MessageItem,
) -> Result<(), Error> {
    let now = item.created_at;
    let mut superseded = opening.superseded.map(|old| (old, supersede(old, item.id, now)));
    if let Some(place) = opening.place {
        transaction.push(Part::Iteration, append_iteration(place, item.id)?);
        let root = place.new_root();
        match superseded.take_if(|(old, _)| Some(*old) == root) {
            Some((old, update)) => transaction.push(Part::Superseded(old), begin_chain(old, update)),
            None => {
                if let Some(root) = root {
                    let update = Update::new(keys::message(root)).set("updatedAt", s(now));
                    transaction.push(Part::Iteration, begin_chain(root, update));
                }
            }
        }
    }
    if let Some((old, update)) = superseded {
        transaction.push(Part::Superseded(old), update);
    }
    Ok(())
}

/// What the item takes from its stream and chain as they are now.
fn place_in(item: &mut MessageItem, opening: &PreparedMessage) {
    if let Some(Stream { early, .. }) = &opening.stream {
        item.status_events = early.status_events.clone();
        item.event_bytes = early.event_bytes;
        item.event_ids = early.event_ids.clone();
    }
    item.iteration_group_id = opening.place.map(|place| place.root);
    item.iteration = opening.place.map(ChainPosition::number);
}

fn has_room(stored: &Item) -> Result<(), Error> {
    if item_size::of(stored) + room::growth(stored) <= item_size::MAX_ITEM - room::for_answer(stored) {
        return Ok(());
    }
    let sentence = "The message is too large as a whole (text, metadata, payload, names of files): send long content as a file, with textAttachments.";
    Err(Error::TooLarge(sentence.to_owned()))
}

/// JSON writes a control character with six bytes, a quote with two: what fits as a message may be
/// too large as the event that a webhook is sent.
fn can_be_delivered(item: &MessageItem) -> Result<(), Error> {
    let room = webhooks::room_for_event(item.webhook_url.as_deref(), None);
    // Cheap, and nearly always enough.
    let text = item.text.as_ref().map_or(0, String::len);
    if item.attachments.is_empty() && text * MAX_JSON_BYTES_PER_BYTE + FRAME <= room {
        return Ok(());
    }
    let size = webhooks::message_payload(item.clone().into())?.len();
    if size <= room {
        return Ok(());
    }
    Err(Error::TooLarge(format!(
        "The message is too large for a webhook: as JSON it has {size} bytes, and may have {room}. \
         Send long content as a file."
    )))
}

fn already_attached(index: usize) -> Error {
    let path = ["attachmentIds".into(), index.into()];
    Error::field(path, "already_attached", "this file belongs to another message already")
}
