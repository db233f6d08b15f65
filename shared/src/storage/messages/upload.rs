//! Uploading a file with a message of its own.

use crate::caller::Caller;
use crate::error::Error;
use crate::models::{Attachment, NewFile};
use crate::storage::IdempotentCall;
use crate::storage::idempotency::CallOf;
use crate::storage::messages::Messages;
use crate::storage::messages::create::NewMessage;
use crate::storage::messages::prepared::PreparedMessage;

impl Messages<'_> {
    /// Creates a message that has one file and nothing else, and gives the file.
    pub async fn create_for_upload(
        self,
        caller: impl Into<Caller>,
        channel: &str,
        file: NewFile,
        once: Option<IdempotentCall>,
    ) -> Result<Attachment, Error> {
        let files = self.store.files();
        let opening = files.prepare(caller, channel, CallOf::Upload, once).await?;
        if let Some(earlier) = opening.earlier {
            return Ok(earlier.into());
        }
        let uploads = files.upload(&opening.channel, vec![file]).await?;
        let draft = NewMessage { uploads, ..NewMessage::default() };
        let message = PreparedMessage::for_upload(opening.channel, opening.sender, opening.call.clone());
        match (self.create(message, draft).await, opening.call) {
            (Ok(message), _) => {
                let file = message.attachments.into_iter().next();
                file.ok_or_else(|| Error::internal("an upload's message has no file"))
            }
            (Err(Error::IdempotencyConflict), Some(call)) => {
                files.file_of_equal_call(&call).await.map(Attachment::from)
            }
            (Err(err), _) => Err(err),
        }
    }
}
