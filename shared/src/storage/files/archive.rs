//! Archives of many files, written while their bytes are read. A small archive stays in memory; a large one is
//! uploaded to the bucket part by part, so that at most one part and one file that fits a request are held in
//! memory. Files are stored uncompressed: large ones usually are compressed already.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_zip::base::write::ZipFileWriter;
use async_zip::error::ZipError;
use async_zip::{Compression, ZipDateTimeBuilder, ZipEntryBuilder};
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::{AsyncWrite, AsyncWriteExt};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use ulid::Ulid;

use crate::caller::HumanCaller;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::FileId;
use crate::limits::quotas::Stored;
use crate::models::Attachment;
use crate::models::archive::unique_names;
use crate::models::file::MAX_FILE;
use crate::storage::Blobs;
use crate::storage::blobs::s3_error;
use crate::storage::files::Files;
use crate::storage::files::NOT_UPLOADED;
use crate::storage::files::ObjectCleanup;
use crate::storage::keys::StorageKey;
use crate::telemetry::cost;
use crate::validation::ValidationErrors;

/// The most that the files of one archive may have together: what is read and written again
/// well inside the time that a function has.
const MAX_ARCHIVE_BYTES: u64 = 200_000_000;
/// More than the names of an archive's files and all that describes them.
const FOR_NAMES: u64 = 1_000_000;
/// An archive in the bucket is deleted after this time.
const ARCHIVE_LIFE: Duration = Duration::from_secs(24 * 3600);
/// For how long an archive is given to further calls with the same files, in milliseconds: much less than its life.
const REUSE_MS: i64 = 12 * 3600 * 1000;
/// How much is uploaded at once: the least that S3 takes.
const PART: usize = 5 * 1024 * 1024;
pub const ZIP_TYPE: &str = "application/zip";
pub const ZIP_DISPOSITION: &str = "attachment; filename=\"files.zip\"";

/// A finished archive.
pub enum Zipped {
    Here(Bytes),
    /// A URL that serves it for five minutes.
    There(String),
}

impl Files<'_> {
    /// The files of an archive: all of them the person's, uploaded, and not too large together.
    pub async fn for_archive(self, human: &HumanCaller, ids: &[FileId]) -> Result<Vec<Attachment>, Error> {
        let found = self.find_owned(human, ids).await?;
        let bytes_there = self.are_uploaded(&found).await?;
        let (mut files, mut problems) = (vec![], ValidationErrors::default());
        for (index, (file, uploaded)) in found.into_iter().zip(bytes_there).enumerate() {
            let path = vec!["ids".into(), index.into()];
            match file {
                None => problems.add(path, "unknown_file", "there is no such file"),
                Some(_) if !uploaded => problems.add(path, "not_uploaded", NOT_UPLOADED),
                Some(file) => files.push(Attachment::from(file)),
            }
        }
        let files = problems.finish(Some(files))?;
        if files.iter().map(|file| file.size).sum::<u64>() > MAX_ARCHIVE_BYTES {
            let sentence = "Files of one archive may have at most 200,000,000 bytes together: download fewer at once.";
            return Err(Error::TooLarge(sentence.to_owned()));
        }
        Ok(files)
    }

    /// Writes the archive of a person's files, and deletes the uploaded parts of one that fails or that nobody waits for
    /// any more.
    pub async fn archive(self, human: &HumanCaller, files: Vec<Attachment>) -> Result<Zipped, Error> {
        let (now, blobs) = (self.store.clock.now(), &self.store.blobs);
        let archive = archive_id(&files, now);
        let key = StorageKey::Export(archive).to_string();
        let mut parts = Parts { blobs, key: key.clone(), upload: None };
        // An archive that fits a response stays in memory and needs no cleanup.
        let size = files.iter().map(|file| file.size).sum::<u64>();
        if size + FOR_NAMES > MAX_FILE as u64 {
            match blobs.etag(&key).await {
                Ok(_) => return blobs.url_of(&key, ZIP_TYPE, ZIP_DISPOSITION).await.map(Zipped::There),
                Err(Error::NotFound(_)) => {}
                Err(err) => return Err(err),
            }
            let user = human.0.claimed;
            self.check_quota(user, Stored::Archives, size)?;
            let cleanup = ObjectCleanup::of_archive(user, size, archive, key, now.plus(ARCHIVE_LIFE));
            self.record_cleanup(&cleanup).await?;
        }
        match parts.write(&files).await {
            Ok(zipped) => Ok(zipped),
            Err(err) => {
                if let Some(mut upload) = parts.upload.take() {
                    upload.abort().await;
                }
                Err(err)
            }
        }
    }
}

/// The same files have the same archive for half a day, so that it is stored once, however often it is asked for.
fn archive_id(files: &[Attachment], now: Timestamp) -> Ulid {
    let mut names = Sha256::new();
    for file in files {
        names.update(file.id.to_string());
        names.update(file.filename.as_bytes());
        names.update([0]);
    }
    let mut random = [0; 16];
    random.copy_from_slice(&names.finalize()[..16]);
    let begin = now.millis() - now.millis().rem_euclid(REUSE_MS);
    Ulid::from_parts(begin.unsigned_abs(), u128::from_be_bytes(random))
}

/// What the archive's writer writes to; both ends hold it.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.bytes()).into()
    }
}

impl AsyncWrite for Buffer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.bytes().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// An archive on its way into the bucket.
struct Parts<'a> {
    blobs: &'a Blobs,
    key: String,
    /// Once a part is full.
    upload: Option<Upload>,
}

impl Parts<'_> {
    async fn write(&mut self, files: &[Attachment]) -> Result<Zipped, Error> {
        let buffer = Buffer::default();
        // The cap keeps everything far below where ZIP64 begins.
        let mut zip = ZipFileWriter::new(buffer.clone()).force_no_zip64();
        let names = unique_names(files.iter().map(|file| file.filename.as_str()));
        for (file, name) in files.iter().zip(names) {
            let mut bytes = self.blobs.get(&file.storage_key).await?.bytes;
            if file.size <= MAX_FILE as u64 {
                // Written with its length and checksum in front, which every reader takes.
                let whole = bytes.collect().await.map_err(Error::unavailable)?.into_bytes();
                zip.write_entry_whole(entry(name, file), &whole).await.map_err(broken)?;
                self.upload_full(&buffer).await?;
                continue;
            }
            let mut writer = zip.write_entry_stream(entry(name, file)).await.map_err(broken)?;
            while let Some(chunk) = bytes.try_next().await.map_err(Error::unavailable)? {
                writer.write_all(&chunk).await.map_err(Error::internal)?;
                self.upload_full(&buffer).await?;
            }
            writer.close().await.map_err(broken)?;
        }
        zip.close().await.map_err(broken)?;
        self.finish(buffer.take()).await
    }

    /// Uploads what has come together, if it is a part's worth.
    async fn upload_full(&mut self, buffer: &Buffer) -> Result<(), Error> {
        if buffer.bytes().len() < PART {
            return Ok(());
        }
        self.upload(buffer.take()).await
    }

    async fn upload(&mut self, bytes: Bytes) -> Result<(), Error> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => self.upload.insert(Upload::create(self.blobs, &self.key).await?),
        };
        upload.put(bytes).await
    }

    async fn finish(&mut self, rest: Bytes) -> Result<Zipped, Error> {
        match &mut self.upload {
            None if rest.len() <= MAX_FILE => return Ok(Zipped::Here(rest)),
            None => self.blobs.put(&self.key, ZIP_TYPE, rest).await?,
            Some(upload) => {
                upload.put(rest).await?;
                upload.complete().await?;
            }
        }
        self.blobs.url_of(&self.key, ZIP_TYPE, ZIP_DISPOSITION).await.map(Zipped::There)
    }
}

/// A multipart upload.
struct Upload {
    blobs: Blobs,
    key: String,
    id: String,
    done: Vec<CompletedPart>,
    has_ended: bool,
}

impl Upload {
    async fn create(blobs: &Blobs, key: &str) -> Result<Self, Error> {
        let create = blobs.s3.create_multipart_upload().bucket(&*blobs.bucket).key(key).content_type(ZIP_TYPE);
        let id = create.send().await.map_err(s3_error)?.upload_id;
        let id = id.ok_or_else(|| Error::internal("an upload without an id"))?;
        Ok(Self { blobs: blobs.clone(), key: key.to_owned(), id, done: vec![], has_ended: false })
    }

    async fn put(&mut self, bytes: Bytes) -> Result<(), Error> {
        let Blobs { s3, bucket, .. } = &self.blobs;
        let number = i32::try_from(self.done.len() + 1).map_err(Error::internal)?;
        let part = s3.upload_part().bucket(&**bucket).key(&self.key).upload_id(&self.id).part_number(number);
        let sent = part.body(bytes.into()).customize().config_override(patient()).send().await;
        let etag = sent.map_err(s3_error)?.e_tag;
        self.done.push(CompletedPart::builder().part_number(number).set_e_tag(etag).build());
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), Error> {
        let Blobs { s3, bucket, .. } = &self.blobs;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.done.clone())).build();
        let complete = s3.complete_multipart_upload().bucket(&**bucket).key(&self.key);
        let complete = complete.upload_id(&self.id).multipart_upload(parts);
        complete.customize().config_override(patient()).send().await.map_err(s3_error)?;
        self.has_ended = true;
        Ok(())
    }

    /// Deletes the parts. What this misses is deleted by a lifecycle rule of the bucket, and by the local runner when it
    /// starts.
    async fn abort(&mut self) {
        delete_parts(&self.blobs, &self.key, &self.id).await;
        self.has_ended = true;
    }
}

impl Drop for Upload {
    /// The local runner drops the request of a client that has gone. A function runs every request to its end, so there
    /// this starts nothing.
    fn drop(&mut self) {
        if self.has_ended || Handle::try_current().is_err() {
            return;
        }
        let (blobs, key, id) = (self.blobs.clone(), std::mem::take(&mut self.key), std::mem::take(&mut self.id));
        cost::spawn_background(async move { delete_parts(&blobs, &key, &id).await });
    }
}

async fn delete_parts(Blobs { s3, bucket, .. }: &Blobs, key: &str, id: &str) {
    let abort = s3.abort_multipart_upload().bucket(&**bucket).key(key).upload_id(id);
    if let Err(Error::Unavailable(cause) | Error::Internal(cause)) = abort.send().await.map_err(s3_error) {
        tracing::warn!(cause = cause.as_str(), "an archive's parts are left over");
    }
}

/// Parts are heavier than the calls that the client's own limits are for.
fn patient() -> Builder {
    let attempt = TimeoutConfig::builder().connect_timeout(Duration::from_secs(2));
    let whole = attempt.read_timeout(Duration::from_secs(15)).operation_timeout(Duration::from_secs(20));
    Builder::new().timeout_config(whole.build())
}

fn entry(name: String, file: &Attachment) -> ZipEntryBuilder {
    let entry = ZipEntryBuilder::new(name.into(), Compression::Stored).unix_permissions(0o644);
    let Ok(made) = OffsetDateTime::from_unix_timestamp(file.created_at.epoch_seconds()) else { return entry };
    let date = ZipDateTimeBuilder::new().year(made.year()).month(u8::from(made.month()).into()).day(made.day().into());
    let date = date.hour(made.hour().into()).minute(made.minute().into()).second(made.second().into());
    entry.last_modification_date(date.build())
}

fn broken(err: ZipError) -> Error {
    Error::internal(format!("writing an archive: {err}"))
}
