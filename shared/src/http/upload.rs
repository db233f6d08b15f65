//! What a multipart upload holds.

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::hex;
use crate::http::extract::{FILE_TOO_LARGE, Upload, malformed};
use crate::http::form_data::Disposition;
use crate::models::file::MAX_FILE;
use crate::models::file::{FileLabel, NewFile};
use crate::validation::ValidationErrors;

/// How much of a field's name an error says back, in characters.
const MAX_SHOWN_NAME: usize = 64;

impl Upload {
    pub(crate) async fn parse(mut fields: Multipart) -> Result<Self, Error> {
        let (mut channels, mut files, mut problems) = (vec![], vec![], ValidationErrors::default());
        while let Some(field) = fields.next_field().await.map_err(malformed)? {
            let Disposition { name, filename } = disposition(&field);
            match (name.as_deref(), filename) {
                (Some("channelId" | "channel"), _) => channels.push(field.text().await.map_err(malformed)?),
                (Some("file"), filename) => files.push(FilePart::read(field, filename).await?),
                // Lost in silence otherwise. Browsers send an empty name where no file was chosen.
                (Some(name), Some(filename)) if !filename.is_empty() => {
                    let name: String = name.chars().take(MAX_SHOWN_NAME).collect();
                    let sentence = format!("a file goes into the field file, not into {name}");
                    problems.add(vec![name.as_str().into()], "unexpected_file", sentence);
                }
                _ => {}
            }
        }
        let channel_id = the_channel(channels, &mut problems);
        let file = the_file(files, &mut problems)?.and_then(|part| part.checked(&mut problems));
        problems.finish(channel_id.zip(file).map(|(channel_id, file)| Self { channel_id, file }))
    }

    /// A hash of what the upload says; how its parts were put together does not count.
    pub fn hash(&self) -> String {
        let FileLabel { filename, mime_type } = &self.file.label;
        let mut hasher = Sha256::new();
        for part in [self.channel_id.as_bytes(), filename.as_bytes(), mime_type.as_bytes(), &self.file.bytes] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hex::encode(&hasher.finalize())
    }
}

/// A field `file` as it came.
struct FilePart {
    filename: String,
    declared: Option<String>,
    bytes: Bytes,
}

impl FilePart {
    async fn read(field: Field<'_>, filename: Option<String>) -> Result<Self, Error> {
        let declared = field.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { filename: filename.unwrap_or_default(), declared, bytes: field.bytes().await.map_err(malformed)? })
    }

    fn checked(self, problems: &mut ValidationErrors) -> Option<NewFile> {
        let at = vec!["file".into(), "filename".into()];
        let label = FileLabel::checked(self.filename, self.declared.as_deref(), Some(&self.bytes), at, problems);
        Some(NewFile { label: label?, bytes: self.bytes })
    }
}

/// The one channel that an upload names.
fn the_channel(mut named: Vec<String>, problems: &mut ValidationErrors) -> Option<String> {
    named.retain(|id| !id.is_empty());
    named.dedup();
    match (named.pop(), named.is_empty()) {
        (Some(id), true) => return Some(id),
        (Some(_), false) => {
            problems.add(vec!["channelId".into()], "repeated", "the upload names several channels in channelId");
        }
        (None, _) => problems.add(vec!["channelId".into()], "required", "channelId is required"),
    }
    None
}

/// The one file that an upload has.
fn the_file(mut parts: Vec<FilePart>, problems: &mut ValidationErrors) -> Result<Option<FilePart>, Error> {
    let file = match (parts.pop(), parts.is_empty()) {
        (Some(_), false) => {
            let sentence =
                "an upload takes one file, and this one has several fields file: send each in a call of its own";
            problems.add(vec!["file".into()], "repeated", sentence);
            None
        }
        (None, _) => {
            problems.add(vec!["file".into()], "required", "file is required");
            None
        }
        (file, _) => file,
    };
    match file {
        Some(file) if file.bytes.len() > MAX_FILE => Err(Error::TooLarge(FILE_TOO_LARGE.into())),
        file => Ok(file),
    }
}

/// What a field says of itself; the form's reader knows fewer ways of writing it.
fn disposition(field: &Field<'_>) -> Disposition {
    let header = field.headers().get(CONTENT_DISPOSITION);
    header.map(|value| Disposition::parse(value.as_bytes())).unwrap_or_default()
}

/// The bytes of a form's one field `file`; of its other fields nothing is wanted.
pub(crate) async fn one_file(mut fields: Multipart) -> Result<Bytes, Error> {
    let (mut files, mut problems) = (vec![], ValidationErrors::default());
    while let Some(field) = fields.next_field().await.map_err(malformed)? {
        if disposition(&field).name.as_deref() == Some("file") {
            files.push(FilePart::read(field, None).await?);
        }
    }
    let file = the_file(files, &mut problems)?;
    problems.finish(file).map(|file| file.bytes)
}
