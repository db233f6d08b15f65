//! Making files: stored for a later message, or uploaded with one of their own. Either is safe to
//! repeat with an `Idempotency-Key`; so is announcing one (`super::presign`).

use std::slice;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, FileId};
use crate::models::file::{FileLabel, PluginType};
use crate::models::{Attachment, NewFile, SenderType};
use crate::storage::calls::{Call, CallOf};
use crate::storage::files::{FileItem, Placed, too_late};
use crate::storage::keys::{Key, StorageKey};
use crate::storage::leftovers::Leftovers;
use crate::storage::messages::{Draft, Once, Opening};
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Channel, Store, written};

/// How many files are put at once.
const SIDE_BY_SIDE: usize = 8;

/// A file that may be made.
pub(super) struct FileOpening {
    pub channel: Channel,
    pub call: Option<Call>,
    /// What an equal call made.
    pub earlier: Option<FileItem>,
    sender: SenderType,
}

impl FileLabel {
    /// A new file of this name and type, without bytes yet.
    pub fn attachment(self, channel: AgentId, size: u64, now: Timestamp) -> Attachment {
        let id = FileId::new(channel, now);
        let image = self.mime_type.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("image/"));
        Attachment {
            id,
            message_id: None,
            channel_id: channel,
            plugin_type: if image { PluginType::Image } else { PluginType::File },
            filename: self.filename,
            mime_type: self.mime_type,
            size,
            storage_key: StorageKey::Upload(id).to_string(),
            created_at: now,
            text_content: None,
        }
    }
}

impl Store {
    /// Stores a file for a message to claim: its bytes, then the item that makes it visible.
    pub async fn store_file(
        &self,
        caller: impl Into<Caller>,
        channel: &str,
        of: CallOf,
        file: NewFile,
        once: Option<Once>,
    ) -> Result<Attachment, Error> {
        let FileOpening { channel, call, earlier, .. } = self.begin_file(caller, channel, of, once).await?;
        if let Some(earlier) = earlier {
            return Ok(earlier.into());
        }
        let Placed { mut files, note } = self.place(&channel, vec![file]).await?;
        let file = files.pop().ok_or_else(|| Error::internal("a file got lost"))?;
        let mut transaction = Transaction::default();
        if let Some(call) = &call {
            self.record_made(&mut transaction, call, file.id)?;
        }
        if let Some(note) = &note {
            self.take_note_away(&mut transaction, note)?;
        }
        transaction.create(self, written(&FileItem::new(&channel, &file))?)?;
        match (self.commit(transaction).await?, call) {
            (Outcome::Done, _) => Ok(file),
            (Outcome::Refused(0), Some(call)) => {
                self.clear_away(note.into_iter().collect()).await;
                self.file_of_equal_call(&call).await.map(Attachment::from)
            }
            (Outcome::Refused(_), _) => Err(too_late()),
        }
    }

    /// Stores a file together with a message that holds nothing else.
    pub async fn upload_file(
        &self,
        caller: impl Into<Caller>,
        channel: &str,
        file: NewFile,
        once: Option<Once>,
    ) -> Result<Attachment, Error> {
        let opening = self.begin_file(caller, channel, CallOf::Upload, once).await?;
        if let Some(earlier) = opening.earlier {
            return Ok(earlier.into());
        }
        let placed = self.place(&opening.channel, vec![file]).await?;
        let draft = Draft { placed, ..Draft::default() };
        let message = Opening::of_upload(opening.channel, opening.sender, opening.call.clone());
        match (self.create_message(message, draft).await, opening.call) {
            (Ok(message), _) => {
                let file = message.attachments.into_iter().next();
                file.ok_or_else(|| Error::internal("an upload's message has no file"))
            }
            (Err(Error::IdempotencyConflict), Some(call)) => self.file_of_equal_call(&call).await.map(Attachment::from),
            (Err(err), _) => Err(err),
        }
    }

    /// Opens the channel for a file, and looks for what an equal call made in the same read.
    pub(super) async fn begin_file(
        &self,
        caller: impl Into<Caller>,
        channel: &str,
        of: CallOf,
        once: Option<Once>,
    ) -> Result<FileOpening, Error> {
        let caller = caller.into();
        let (sender, id) = (caller.sender(), channel.parse::<AgentId>().ok());
        let mut call = id.zip(once).map(|(id, once)| Call::new(Key::call(id, sender, of, &once.client_id), once));
        let also = call.as_ref().map(|call| slice::from_ref(&call.key)).unwrap_or_default();
        let (channel, mut items) = self.open(caller, id, also).await?;
        let made = call.as_mut().map(|call| call.earlier(&mut items)).transpose()?.flatten();
        let earlier = match made {
            Some(made) => self.file_made(&made).await?,
            None => None,
        };
        Ok(FileOpening { channel, call, earlier, sender })
    }

    async fn file_made(&self, made: &str) -> Result<Option<FileItem>, Error> {
        let Ok(id) = made.parse::<FileId>() else { return Ok(None) };
        self.get_all(vec![Key::file(id)]).await?.take_file(Some(id))
    }

    /// The file of the call that was first, though this one did not see it.
    pub(super) async fn file_of_equal_call(&self, call: &Call) -> Result<FileItem, Error> {
        let made = self.made_by_equal_call(call).await?;
        let file = self.file_made(&made).await?;
        file.ok_or_else(|| Error::unavailable("the file of an equal call was deleted meanwhile"))
    }

    /// Puts the bytes of files into the bucket, with a note of them before. Nobody sees them until
    /// items name them; that write takes the note away.
    pub async fn place(&self, channel: &Channel, files: Vec<NewFile>) -> Result<Placed, Error> {
        if files.is_empty() {
            return Ok(Placed::default());
        }
        let attachment = |file: NewFile| {
            let size = file.bytes.len() as u64;
            (file.label.attachment(channel.id(), size, self.clock.now()), file.bytes)
        };
        let (files, bytes): (Vec<Attachment>, Vec<Bytes>) = files.into_iter().map(attachment).unzip();
        let note = Leftovers::of_files(self, channel.id(), &files);
        self.note_now(&note).await?;
        stream::iter(files.iter().zip(bytes).map(Ok))
            .try_for_each_concurrent(SIDE_BY_SIDE, |(file, bytes)| {
                self.blobs.put(&file.storage_key, &file.mime_type, bytes)
            })
            .await?;
        Ok(Placed { files, note: Some(note) })
    }
}
