//! Direct uploads: the client puts a file's bytes into the bucket itself. The file's item is created first, so
//! that no object is orphaned, and is invisible until the object was found with exactly the expected size.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use dynamo::value::to_item;
use dynamo::{Conditional, Items, Put, Transaction, Update, item_exists};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, Step};
use crate::ids::FileId;
use crate::limits::quotas::Stored;
use crate::models::file::FileLabel;
pub use crate::models::file_request::{MAX_ANNOUNCED, UploadTarget};
use crate::models::{AnnounceFile, Attachment};
use crate::storage::blobs::s3_error;
use crate::storage::files::Files;
use crate::storage::files::create::PreparedFile;
use crate::storage::idempotency::CallOf;
use crate::storage::items::FileItem;
use crate::storage::keys;
use crate::storage::{Blobs, IdempotentCall};
use crate::validation::ValidationErrors;

/// How long after its announcement an upload may begin.
const UPLOAD_BEGINS: Duration = Duration::from_secs(3600);
/// How many objects are looked for at once.
const MAX_CONCURRENCY: usize = 16;

pub(in crate::storage) const NOT_UPLOADED: &str = "the bytes of this file are not there with the announced size";

impl Blobs {
    /// A URL that accepts one PUT of exactly this size and type, as long as the upload may begin and the object
    /// does not exist: bytes that a client has seen never change.
    async fn upload_target(&self, file: &Attachment, now: Timestamp) -> Result<UploadTarget, Error> {
        let expires_at = file.created_at.plus(UPLOAD_BEGINS);
        let expiry = now.until(expires_at).max(Duration::from_secs(1));
        let expiry = PresigningConfig::expires_in(expiry).map_err(Error::internal)?;
        let put = self.s3.put_object().bucket(&*self.bucket).key(&file.storage_key).content_type(&file.mime_type);
        let put = put.content_length(i64::try_from(file.size).map_err(Error::internal)?).if_none_match("*");
        let presigned = put.presigned(expiry).await.map_err(s3_error)?;
        let headers = presigned.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(UploadTarget { url: presigned.uri().to_owned(), headers, expires_at })
    }

    /// The stored bytes of an object; `None` when there is none.
    async fn size(&self, storage_key: &str) -> Result<Option<u64>, Error> {
        match self.s3.head_object().bucket(&*self.bucket).key(storage_key).send().await {
            Ok(head) => Ok(head.content_length.and_then(|size| u64::try_from(size).ok())),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_not_found()) => Ok(None),
            Err(err) => Err(s3_error(err)),
        }
    }
}

impl Files<'_> {
    /// Creates a direct upload. A file that is never uploaded expires like every unclaimed file.
    pub async fn create_direct_upload(
        self,
        caller: impl Into<Caller>,
        announced: AnnounceFile,
        once: Option<IdempotentCall>,
    ) -> Result<(Attachment, UploadTarget), Error> {
        let AnnounceFile { channel_id, filename, mime_type, size } = announced;
        let PreparedFile { channel, call, earlier, .. } =
            self.prepare(caller, &channel_id, CallOf::Presign, once).await?;
        if let Some(earlier) = earlier
            && let Some(again) = self.repeat_direct_upload(earlier).await?
        {
            return Ok(again);
        }
        self.check_quota(channel.owner(), Stored::Files, size)?;
        let now = self.store.clock.now();
        let file = FileLabel { filename, mime_type }.attachment(channel.id(), size, &self.store.clock);
        let target = self.store.blobs.upload_target(&file, now).await?;
        let item = to_item(&FileItem::announced(&channel, &file))?;
        let Some(call) = call else {
            self.store.table.put_new(item).await?;
            return Ok((file, target));
        };
        let mut transaction = Transaction::new();
        transaction.add(self.store.call_record(&call, file.id)?);
        transaction.add(Put::create(item));
        match transaction.commit(&self.store.table).await? {
            Conditional::Applied(()) => Ok((file, target)),
            Conditional::Refused(()) => {
                let again = self.repeat_direct_upload(self.file_of_equal_call(&call).await?).await?;
                again.ok_or_else(|| Error::unavailable("the file of an equal call went meanwhile"))
            }
        }
    }

    /// Repeats the response of a direct upload, with what is left of its time. `None` when the time is over and
    /// the bytes never arrived.
    async fn repeat_direct_upload(self, item: FileItem) -> Result<Option<(Attachment, UploadTarget)>, Error> {
        let now = self.store.clock.now();
        let file = Attachment::from(item.clone());
        let is_over = now.until(file.created_at.plus(UPLOAD_BEGINS)).is_zero();
        if is_over && self.confirm_upload(item).await?.is_none() {
            return Ok(None);
        }
        let target = self.store.blobs.upload_target(&file, now).await?;
        Ok(Some((file, target)))
    }

    /// The file, if its bytes are there. The first caller that finds them marks the upload as complete.
    pub(super) async fn confirm_upload(self, item: FileItem) -> Result<Option<Attachment>, Error> {
        if !item.is_announced() {
            return Ok(Some(item.into()));
        }
        let file = Attachment::from(item);
        if self.store.blobs.size(&file.storage_key).await? != Some(file.size) {
            return Ok(None);
        }
        // A refusal means that the file was deleted in between.
        let update = Update::new(keys::file(file.id)).remove("announced").when(item_exists());
        Ok(update.send_item(&self.store.table).await?.is_applied().then_some(file))
    }

    /// Whether each file's bytes are there, in order. Writes nothing.
    pub(in crate::storage) async fn are_uploaded(self, items: &[Option<FileItem>]) -> Result<Vec<bool>, Error> {
        let announced = items.iter().map(|item| item.as_ref().filter(|item| item.is_announced()));
        let asked = announced.map(|item| {
            let expected = item.map(FileItem::object);
            async move {
                match expected {
                    Some((key, size)) => Ok(self.store.blobs.size(&key).await? == Some(size)),
                    None => Ok(true),
                }
            }
        });
        let asked: Vec<_> = asked.collect();
        stream::iter(asked).buffered(MAX_CONCURRENCY).try_collect().await
    }

    /// Checks the files that the input names, each at its path; gives those that nothing refers to yet and that
    /// would expire. Writes nothing: an upload is marked as complete by the write that uses the file.
    pub(in crate::storage) async fn usable_files(
        self,
        files: Vec<(Vec<Step>, FileId)>,
        items: Items,
    ) -> Result<Vec<FileId>, Error> {
        // Two names may refer to one file, so items are peeked at and not taken.
        let found =
            files.iter().map(|(_, id)| items.peek::<FileItem>(&keys::file(*id))).collect::<Result<Vec<_>, _>>()?;
        let bytes_there = self.are_uploaded(&found).await?;
        let (mut unclaimed, mut problems) = (vec![], ValidationErrors::default());
        for ((path, _), (item, uploaded)) in files.into_iter().zip(found.into_iter().zip(bytes_there)) {
            match item {
                None => problems.add(path, "unknown_file", "there is no such file in this channel"),
                Some(_) if !uploaded => problems.add(path, "not_uploaded", NOT_UPLOADED),
                Some(item) if item.is_unclaimed() && !unclaimed.contains(&item.id()) => unclaimed.push(item.id()),
                Some(_) => {}
            }
        }
        problems.finish(Some(unclaimed))
    }

    /// Those of some files whose bytes are there, in order, each confirmed ([`Files::confirm_upload`]).
    pub(super) async fn confirm_uploads(self, items: Vec<FileItem>) -> Result<Vec<Attachment>, Error> {
        let asked: Vec<_> = items.into_iter().map(|item| self.confirm_upload(item)).collect();
        let arrived: Vec<Option<Attachment>> = stream::iter(asked).buffered(MAX_CONCURRENCY).try_collect().await?;
        Ok(arrived.into_iter().flatten().collect())
    }
}
