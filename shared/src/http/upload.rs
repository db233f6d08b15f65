//! Extractors of multipart bodies: an uploaded file, or a picture.

use axum::extract::multipart::Field;
use axum::extract::{FromRef, FromRequest, Multipart, Request};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::error::Error;
use crate::hex;
use crate::http::extract::{after_auth, malformed, multipart};
use crate::http::form_data::Disposition;
use crate::image::{IMAGE_TOO_LARGE, Image, MAX_IMAGE};
use crate::models::file::MAX_FILE;
use crate::models::file::{FileLabel, NewFile};
use crate::storage::Store;
use crate::validation::ValidationErrors;

/// The sentence of a 413 for a file in a request body.
pub const FILE_TOO_LARGE: &str = "A file in a request body may have at most 4,500,000 bytes: announce a larger one with POST /api/v1/files/presign (people: /api/files/presign) and PUT it to the URL you get.";
/// How much of a field's name an error says back, in characters.
const MAX_SHOWN_NAME: usize = 64;

/// How the document shows an [`Upload`].
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct UploadForm {
    /// The file, with its name and type; at most 4,500,000 bytes. A type that says nothing
    /// (`application/octet-stream`, or none) gives way to that of the name's extension, else to what the first bytes show.
    #[schema(value_type = String, format = Binary)]
    pub file: Bytes,
    /// The agent's id; the field may be called `channel`, too.
    pub channel_id: String,
}

/// A multipart upload: the fields `file` and `channelId` (or `channel`), each once and in any order.
pub struct Upload {
    pub channel_id: String,
    pub file: NewFile,
}

impl<S> FromRequest<S> for Upload
where
    S: Send + Sync,
    Store: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let read = async { Self::parse(multipart(&parts, body, state, MAX_FILE, FILE_TOO_LARGE).await?).await };
        after_auth(read.await, &parts, state).await
    }
}

/// A picture in the field `file` of a multipart body.
pub struct ImageUpload(pub Image);

impl<S> FromRequest<S> for ImageUpload
where
    S: Send + Sync,
    Store: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let read = async {
            let fields = multipart(&parts, body, state, MAX_IMAGE, IMAGE_TOO_LARGE).await?;
            Image::checked(one_file(fields).await?).map(Self)
        };
        after_auth(read.await, &parts, state).await
    }
}

impl Upload {
    async fn parse(mut fields: Multipart) -> Result<Self, Error> {
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

/// The name and the file name of a field; multipart's own parser knows fewer ways of writing them.
fn disposition(field: &Field<'_>) -> Disposition {
    let header = field.headers().get(CONTENT_DISPOSITION);
    header.map(|value| Disposition::parse(value.as_bytes())).unwrap_or_default()
}

/// The bytes of a form's one field `file`; of its other fields nothing is wanted.
async fn one_file(mut fields: Multipart) -> Result<Bytes, Error> {
    let (mut files, mut problems) = (vec![], ValidationErrors::default());
    while let Some(field) = fields.next_field().await.map_err(malformed)? {
        if disposition(&field).name.as_deref() == Some("file") {
            files.push(FilePart::read(field, None).await?);
        }
    }
    let file = the_file(files, &mut problems)?;
    problems.finish(file).map(|file| file.bytes)
}
