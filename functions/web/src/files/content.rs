//! The text of a file, as much of it as a page shows.

use shared::charset;
use shared::error::Error;
use shared::models::Attachment;
use shared::models::file::MAX_TEXT_CONTENT;
use shared::storage::Blobs;

/// How much of a text the page of its file shows, in bytes.
pub const MAX_SHOWN_BYTES: u64 = 512 * 1024;

/// How much of a text is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    First,
    Most,
}

impl Extent {
    /// The most bytes of a text.
    pub fn bytes(self) -> u64 {
        match self {
            Self::First => MAX_TEXT_CONTENT,
            Self::Most => MAX_SHOWN_BYTES,
        }
    }
}

/// A text file's content, if it is one.
pub async fn text(blobs: &Blobs, file: &Attachment) -> Result<Option<String>, Error> {
    match &file.text_content {
        Some(text) => Ok(Some(text.clone())),
        None => first_text(blobs, file, Extent::Most).await,
    }
}

/// The part of a text file that is shown; `None` if it is not text.
pub async fn first_text(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Option<String>, Error> {
    let is_cut = file.size > extent.bytes();
    let stored = match blobs.get_part(&file.storage_key, is_cut.then(|| (0, extent.bytes() - 1))).await {
        Ok(stored) => stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes(),
        Err(Error::NotFound(_)) => return Ok(Some(String::new())),
        Err(err) => return Err(err),
    };
    let read = if is_cut { charset::first_text } else { charset::text };
    Ok(read(&stored, &file.mime_type).filter(|text| !text.contains('\0')))
}
