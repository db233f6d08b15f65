//! The bucket, which holds the bytes of files. An object is uploaded before the item that makes it visible, and
//! scheduled for deletion together with the deletion of that item.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_types::error::display::DisplayErrorContext;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use crate::aws::Lazy;
use crate::charset;
use crate::error::Error;
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Attachment, Message};
use crate::storage::keys::Prefix;
use crate::storage::weight::{escaped, text_weight, weight};

/// How many objects are read at once for one response.
const MAX_CONCURRENCY: usize = 16;
/// How many objects one call deletes.
const BATCH_SIZE: usize = 1000;

/// The bucket that holds the bytes of files.
#[derive(Clone)]
pub struct Blobs {
    pub(super) s3: Lazy<aws_sdk_s3::Client>,
    pub(super) bucket: Arc<str>,
    /// The same for as long as the process lives, and named by every page.
    origin: Arc<OnceCell<String>>,
}

/// A stored object, its bytes still coming.
pub struct Stored {
    pub bytes: ByteStream,
    pub etag: Option<String>,
}

impl Blobs {
    /// The bucket of this name.
    pub fn new(s3: Lazy<aws_sdk_s3::Client>, bucket: &str) -> Self {
        Self { s3, bucket: bucket.into(), origin: Arc::default() }
    }

    /// Writes an object in place of whatever is at its key.
    pub async fn put(&self, storage_key: &str, mime_type: &str, bytes: Bytes) -> Result<(), Error> {
        let put = self.s3.put_object().bucket(&*self.bucket).key(storage_key).content_type(mime_type);
        put.body(bytes.into()).send().await.map_err(s3_error)?;
        Ok(())
    }

    /// Reads an object. [`Error::NotFound`] when there is none.
    pub async fn get(&self, storage_key: &str) -> Result<Stored, Error> {
        self.get_part(storage_key, None).await
    }

    /// An object, or of it the bytes from the first to the last, both included and in it.
    pub async fn get_part(&self, storage_key: &str, part: Option<(u64, u64)>) -> Result<Stored, Error> {
        let get = self.s3.get_object().bucket(&*self.bucket).key(storage_key);
        let got = get.set_range(part.map(|(first, last)| format!("bytes={first}-{last}"))).send().await;
        match got {
            Ok(object) => Ok(Stored { bytes: object.body, etag: object.e_tag }),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_no_such_key()) => Err(Error::NotFound("file")),
            Err(err) => Err(s3_error(err)),
        }
    }

    /// The tag of an object's bytes, without the bytes.
    pub async fn etag(&self, storage_key: &str) -> Result<Option<String>, Error> {
        match self.s3.head_object().bucket(&*self.bucket).key(storage_key).send().await {
            Ok(object) => Ok(object.e_tag),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_not_found()) => Err(Error::NotFound("file")),
            Err(err) => Err(s3_error(err)),
        }
    }

    /// A URL that serves the file to anyone for five minutes, under its type and name.
    pub async fn url(&self, file: &Attachment) -> Result<String, Error> {
        self.url_of(&file.storage_key, &file.mime_type, &file.bucket_disposition()).await
    }

    /// Where browsers get and put the bytes that do not pass through us: scheme, host and port.
    /// Signing is arithmetic, nothing is called; but it takes credentials, so it may fail.
    pub async fn origin(&self) -> Result<&str, Error> {
        let found = self.origin.get_or_try_init(async || {
            let url = self.url_of("origin", "text/plain", "inline").await?;
            let parsed = url::Url::parse(&url).map_err(Error::internal)?;
            Ok(parsed.origin().ascii_serialization())
        });
        found.await.map(String::as_str)
    }

    pub(super) async fn url_of(&self, key: &str, mime_type: &str, disposition: &str) -> Result<String, Error> {
        let expiry = PresigningConfig::expires_in(Duration::from_secs(300)).map_err(Error::internal)?;
        let get = self.s3.get_object().bucket(&*self.bucket).key(key);
        let get = get.response_content_type(mime_type).response_content_disposition(disposition);
        Ok(get.presigned(expiry).await.map_err(s3_error)?.uri().to_owned())
    }

    /// Deletes objects; ones that do not exist are deleted.
    pub async fn delete(&self, files: &[Attachment]) -> Result<(), Error> {
        self.delete_all(files.iter().map(|file| file.storage_key.as_str())).await
    }

    /// Deletes any number of objects by their keys.
    pub(super) async fn delete_all(&self, keys: impl Iterator<Item = &str>) -> Result<(), Error> {
        let keys: Vec<&str> = keys.collect();
        for some in keys.chunks(BATCH_SIZE) {
            self.delete_keys(some.iter().copied()).await?;
        }
        Ok(())
    }

    /// Deletes one object, if it is there.
    pub async fn delete_one(&self, storage_key: &str) -> Result<(), Error> {
        self.s3.delete_object().bucket(&*self.bucket).key(storage_key).send().await.map(drop).map_err(s3_error)
    }

    /// Deletes up to 1,000 of the objects under a prefix; whether there were any.
    pub async fn delete_some_under(&self, prefix: &Prefix) -> Result<bool, Error> {
        let list = self.s3.list_objects_v2().bucket(&*self.bucket).prefix(prefix.to_string());
        let found = list.send().await.map_err(s3_error)?.contents.unwrap_or_default();
        if found.is_empty() {
            return Ok(false);
        }
        self.delete_keys(found.iter().filter_map(|object| object.key())).await?;
        Ok(true)
    }

    /// Deletes at most 1,000 objects, in one call.
    async fn delete_keys(&self, keys: impl Iterator<Item = &str>) -> Result<(), Error> {
        let named = keys.map(|key| ObjectIdentifier::builder().key(key).build());
        let objects = named.collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(Error::internal)?;
        let output = self.s3.delete_objects().bucket(&*self.bucket).delete(delete).send().await.map_err(s3_error)?;
        match output.errors().first() {
            Some(failed) => Err(Error::unavailable(format!("deleting an object: {:?}", failed.code()))),
            None => Ok(()),
        }
    }

    /// Fills in `textContent` where message responses carry it, as far as one response has room.
    pub async fn with_texts(&self, mut messages: Vec<Message>) -> Result<Vec<Message>, Error> {
        let all = MAX_PAGE_BYTES.saturating_sub(messages.iter().map(weight).sum());
        let mut room = all;
        let texts = messages.iter_mut().flat_map(|it| &mut it.attachments).filter(|file| {
            let (size, left) = (text_weight(file), room);
            room = room.saturating_sub(size);
            size > 0 && size <= left
        });
        stream::iter(texts)
            .map(Ok::<_, Error>)
            .try_for_each_concurrent(MAX_CONCURRENCY, |attachment| async move {
                attachment.text_content = self.text(attachment).await?;
                Ok(())
            })
            .await?;
        // What a text really takes shows when it is here.
        let mut room = all;
        for file in messages.iter_mut().flat_map(|it| &mut it.attachments) {
            let size = file.text_content.as_deref().map_or(0, escaped);
            if size > room {
                file.text_content = None;
            } else {
                room -= size;
            }
        }
        Ok(messages)
    }

    /// The message with the text of its text files, read from the bucket.
    pub async fn with_text(&self, message: Message) -> Result<Message, Error> {
        let mut filled = self.with_texts(vec![message]).await?;
        filled.pop().ok_or_else(|| Error::internal("a message got lost"))
    }

    /// A text file's content; none when its bytes are gone or no text, see [`charset::text`].
    async fn text(&self, file: &Attachment) -> Result<Option<String>, Error> {
        match self.get(&file.storage_key).await {
            Ok(stored) => {
                let bytes = stored.bytes.collect().await.map_err(Error::unavailable)?;
                Ok(charset::text(&bytes.into_bytes(), &file.mime_type))
            }
            Err(Error::NotFound(_)) => Ok(None),
            Err(err) => Err(err),
        }
    }
}

/// The meaning of an S3 error that the caller has not handled itself.
pub(super) fn s3_error<E>(err: SdkError<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let is_invalid = err.code() == Some("InvalidArgument");
    let cause = DisplayErrorContext(&err).to_string();
    if is_invalid { Error::internal(cause) } else { Error::unavailable(cause) }
}
