//! Preparing a message: one call authenticates the caller and reads everything that the message refers to,
//! which is checked before any byte is stored.

use std::collections::HashSet;

use dynamo::{Items, Key};

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::{AgentId, FileId, MessageId, Nil};
use crate::models::{Attachment, Message, SenderType};
use crate::storage::IdempotentCall;
use crate::storage::files::{NOT_UPLOADED, file_in};
use crate::storage::items::{FileItem, MessageItem};
use crate::storage::keys;
use crate::storage::messages::Messages;
use crate::storage::messages::idempotency::ClientItem;
use crate::storage::messages::iterations::ChainPosition;
use crate::storage::messages::prepared::{Prepared, PreparedMessage, References};
use crate::storage::messages::stream_item::Stream;
use crate::storage::messages::supersede::supersedable;
use crate::validation::ValidationErrors;

/// How many messages of uploads one message may take the files of: each is one more write in a
/// transaction, which takes a hundred.
const MAX_RELEASED_FILES: usize = 43;

impl Messages<'_> {
    /// Opens the channel for a message that refers to nothing but files.
    pub async fn prepare_with_files(
        self,
        caller: impl Into<Caller>,
        channel: &str,
        once: Option<IdempotentCall>,
        attachment_ids: &[String],
    ) -> Result<Prepared, Error> {
        self.prepare(caller, channel, once, References { attachment_ids, ..References::default() }).await
    }

    /// Opens the channel and checks what the call refers to: an earlier call with the same client id, the
    /// stream it continues, the files it attaches, and the message that it revises.
    pub async fn prepare(
        self,
        caller: impl Into<Caller>,
        channel: &str,
        once: Option<IdempotentCall>,
        refers: References<'_>,
    ) -> Result<Prepared, Error> {
        let caller = caller.into();
        let sender = caller.sender();
        let id = AgentId::parse_or_nil(channel);
        let client = once.as_ref().map(|once| keys::client(id, sender, &once.client_id));
        let known = ParsedReferences::of(id, refers);
        let mut wanted = known.keys();
        wanted.extend(client.clone());

        let (channel, mut items) = self.store.open_channel(caller, id, &wanted).await?;
        let mut gone = None;
        if let (Some(key), Some(once)) = (client, &once)
            && let Some(record) = items.take::<ClientItem>(&key)?
        {
            gone = Some(record.message());
            let repeated = self.repeated_message(&channel, record, once).await?;
            if let Some(message) = repeated.filter(|message| !refers.is_used.is_some_and(|is_used| is_used(message))) {
                return Ok(Prepared::Repeat(Box::new(message)));
            }
        }
        let stream = refers.stream.map(|id| Stream::found(channel.id(), id, &mut items)).transpose()?;
        let mut opening = PreparedMessage { once, gone, stream, ..PreparedMessage::new(channel, sender) };
        if opening.draft().is_some() {
            // What the first call referred to stands, and is compared when the draft is changed.
            return Ok(Prepared::New(Box::new(opening)));
        }
        match self.check_references(&known, sender, items).await {
            Ok((claimed, place, superseded)) => {
                (opening.claimed, opening.place, opening.superseded) = (claimed, place, superseded);
                Ok(Prepared::New(Box::new(opening)))
            }
            // An equal call may have claimed the files, or superseded the review, after its record was looked up.
            Err(refused) if refused.status().is_client_error() => self.repeat_or_refuse(opening, refused).await,
            Err(other) => Err(other),
        }
    }

    async fn check_references(
        self,
        known: &ParsedReferences,
        sender: SenderType,
        mut items: Items,
    ) -> Result<(Vec<Attachment>, Option<ChainPosition>, Option<MessageId>), Error> {
        let mut problems = ValidationErrors::default();
        let claimed = self.unclaimed_files(&known.files, sender, &mut items, &mut problems).await?;
        // It may be the message that is revised, too.
        let superseded = match known.superseded {
            None => None,
            Some(id) => {
                let item = items.peek::<MessageItem>(&keys::message(id))?;
                supersedable(item.map(Message::from), &mut problems)
            }
        };
        let place = match known.revised {
            None => None,
            Some(id) => {
                let item = items.take::<MessageItem>(&keys::message(id))?;
                self.position_after(item.map(Message::from), known.superseded, &mut problems).await?
            }
        };
        let (claimed, place) = problems.finish(Some((claimed, place)))?;
        let superseded = match superseded {
            Some(message) => Some(self.pending_to_supersede(message).await?),
            None => None,
        };
        Ok((claimed, place, superseded))
    }

    /// The files to attach; those that cannot be attached are reported. Direct uploads are looked up
    /// concurrently; the claim confirms them.
    async fn unclaimed_files(
        self,
        ids: &[FileId],
        sender: SenderType,
        items: &mut Items,
        problems: &mut ValidationErrors,
    ) -> Result<Vec<Attachment>, Error> {
        let found = ids.iter().map(|id| items.take::<FileItem>(&keys::file(*id))).collect::<Result<Vec<_>, _>>()?;
        let bytes_there = self.store.files().are_uploaded(&found).await?;
        let held = found.iter().flatten().filter_map(|item| Some((item.holder()?, item.id())));
        let released = self.releasable_files(held.collect(), sender).await?;
        if released.len() > MAX_RELEASED_FILES {
            let sentence = format!("at most {MAX_RELEASED_FILES} of the files may have a message of their own");
            problems.add(vec!["attachmentIds".into()], "too_many", sentence);
        }
        let mut free = vec![];
        for (index, (item, uploaded)) in found.into_iter().zip(bytes_there).enumerate() {
            let path = vec!["attachmentIds".into(), index.into()];
            match item.map(Attachment::from) {
                None => problems.add(path, "unknown_attachment", "there is no such file in this channel"),
                Some(file) if file.message_id.is_some() && !released.contains(&file.id) => {
                    problems.add(path, "already_attached", "this file belongs to another message already");
                }
                Some(_) if !uploaded => problems.add(path, "not_uploaded", NOT_UPLOADED),
                Some(file) => free.push(file),
            }
        }
        Ok(free)
    }

    /// Those of some files held by messages that the sender may attach to another message: each was uploaded by
    /// the same sender, with a message that has nothing else. That message is deleted.
    async fn releasable_files(
        self,
        held: Vec<(MessageId, FileId)>,
        sender: SenderType,
    ) -> Result<HashSet<FileId>, Error> {
        if held.is_empty() {
            return Ok(HashSet::new());
        }
        let mut messages =
            self.store.table.get_items(held.iter().map(|(message, _)| keys::message(*message)).collect()).await?;
        let mut released = HashSet::new();
        for (message, file) in held {
            let holder = messages.take::<MessageItem>(&keys::message(message))?;
            released.extend(holder.filter(|it| it.sender_type == sender && it.is_bare()).map(|_| file));
        }
        Ok(released)
    }

    /// What an equal call that was first has made, if there was one; else the refusal.
    async fn repeat_or_refuse(self, mut opening: PreparedMessage, refused: Error) -> Result<Prepared, Error> {
        if let Some(once) = &opening.once
            && let Some(message) = self.find_repeated(&opening.channel, opening.sender, once).await?
        {
            return Ok(Prepared::Repeat(Box::new(message)));
        }
        if let Some(stream) = &mut opening.stream {
            self.reload_stream(opening.channel.id(), stream).await?;
            if stream.draft().is_some() {
                return Ok(Prepared::New(Box::new(opening)));
            }
        }
        Err(refused)
    }
}

/// References by their ids; a text that is no id of this channel is the id that is never issued.
struct ParsedReferences {
    files: Vec<FileId>,
    revised: Option<MessageId>,
    superseded: Option<MessageId>,
    stream: Option<Key>,
}

impl ParsedReferences {
    fn of(channel: AgentId, refers: References<'_>) -> Self {
        let message = |text: &str| {
            Some(MessageId::parse_or_nil(text)).filter(|id| id.channel() == channel).unwrap_or(MessageId::nil())
        };
        Self {
            files: refers.attachment_ids.iter().map(|text| file_in(channel, text)).collect(),
            revised: refers.iteration_of.map(message),
            superseded: refers.supersedes.map(message),
            stream: refers.stream.map(|stream| keys::stream(channel, stream)),
        }
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.files.iter().copied().map(keys::file).collect();
        keys.extend(self.revised.map(keys::message));
        keys.extend(self.superseded.filter(|id| self.revised != Some(*id)).map(keys::message));
        keys.extend(self.stream.clone());
        keys
    }
}
