//! Files whose bytes the client puts into the bucket itself. Such a file is announced first: its
//! item is there, so that nothing is lost, but nobody sees it before somebody has looked that the
//! bytes are there, exactly as many as were announced.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::auth::Caller;
use crate::clock::Timestamp;
use crate::error::{Error, Step};
use crate::ids::FileId;
use crate::input::Problems;
use crate::models::file::FileLabel;
pub use crate::models::file_request::{MAX_ANNOUNCED, UploadTarget};
use crate::models::{AnnounceFile, Attachment};
use crate::storage::calls::CallOf;
use crate::storage::file_making::FileOpening;
use crate::storage::files::FileItem;
use crate::storage::keys::Key;
use crate::storage::writing::{Outcome, Transaction};
use crate::storage::{Blobs, Items, Once, Store, trouble, written};

/// How long after its announcement an upload may begin.
const UPLOAD_BEGINS: Duration = Duration::from_secs(3600);
/// How many objects are looked for at once.
const SIDE_BY_SIDE: usize = 16;

pub(super) const NOT_UPLOADED: &str = "the bytes of this file are not there with the announced size";

impl Blobs {
    /// A URL that takes one PUT of exactly this size and type, for as long as the upload may begin
    /// and only while the object does not exist: bytes that somebody has seen stay as they are.
    async fn upload_target(&self, file: &Attachment, now: Timestamp) -> Result<UploadTarget, Error> {
        let expires_at = file.created_at.plus(UPLOAD_BEGINS);
        let expiry = now.until(expires_at).max(Duration::from_secs(1));
        let expiry = PresigningConfig::expires_in(expiry).map_err(Error::internal)?;
        let put = self.s3.put_object().bucket(&*self.bucket).key(&file.storage_key).content_type(&file.mime_type);
        let put = put.content_length(i64::try_from(file.size).map_err(Error::internal)?).if_none_match("*");
        let presigned = put.presigned(expiry).await.map_err(trouble)?;
        let headers = presigned.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(UploadTarget { url: presigned.uri().to_owned(), headers, expires_at })
    }

    /// How many bytes of a file are there; `None` when there are none at all.
    pub async fn size_of(&self, file: &Attachment) -> Result<Option<u64>, Error> {
        self.size(&file.storage_key).await
    }

    async fn size(&self, storage_key: &str) -> Result<Option<u64>, Error> {
        match self.s3.head_object().bucket(&*self.bucket).key(storage_key).send().await {
            Ok(head) => Ok(head.content_length.and_then(|size| u64::try_from(size).ok())),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_not_found()) => Ok(None),
            Err(err) => Err(trouble(err)),
        }
    }
}

impl Store {
    /// Announces a file. Without an upload it goes the way of every file that nobody claims.
    pub async fn announce(
        &self,
        caller: impl Into<Caller>,
        announced: AnnounceFile,
        once: Option<Once>,
    ) -> Result<(Attachment, UploadTarget), Error> {
        let AnnounceFile { channel_id, filename, mime_type, size } = announced;
        let FileOpening { channel, call, earlier, .. } =
            self.begin_file(caller, &channel_id, CallOf::Presign, once).await?;
        if let Some(earlier) = earlier
            && let Some(again) = self.announced_again(earlier).await?
        {
            return Ok(again);
        }
        let now = self.clock.now();
        let file = FileLabel { filename, mime_type }.attachment(channel.id(), size, now);
        let target = self.blobs.upload_target(&file, now).await?;
        let item = written(&FileItem::announced(&channel, &file))?;
        let Some(call) = call else {
            self.put_new(item).await?;
            return Ok((file, target));
        };
        let mut transaction = Transaction::default();
        self.record_made(&mut transaction, &call, file.id)?;
        transaction.create(self, item)?;
        match self.commit(transaction).await? {
            Outcome::Done => Ok((file, target)),
            Outcome::Refused(_) => {
                let again = self.announced_again(self.file_of_equal_call(&call).await?).await?;
                again.ok_or_else(|| Error::unavailable("the file of an equal call went meanwhile"))
            }
        }
    }

    /// An announcement that is made once more, with what is left of its time. `None` when that is
    /// over and the bytes never came.
    async fn announced_again(&self, item: FileItem) -> Result<Option<(Attachment, UploadTarget)>, Error> {
        let now = self.clock.now();
        let file = Attachment::from(item.clone());
        let is_over = now.until(file.created_at.plus(UPLOAD_BEGINS)).is_zero();
        if is_over && self.arrived(item).await?.is_none() {
            return Ok(None);
        }
        let target = self.blobs.upload_target(&file, now).await?;
        Ok(Some((file, target)))
    }

    /// The file, if its bytes are there. Who finds them first takes the announcement away.
    pub(super) async fn arrived(&self, item: FileItem) -> Result<Option<Attachment>, Error> {
        if !item.is_announced() {
            return Ok(Some(item.into()));
        }
        let file = Attachment::from(item);
        if self.blobs.size(&file.storage_key).await? != Some(file.size) {
            return Ok(None);
        }
        let update = self.db.update_item().table_name(&*self.table).set_key(Some(Key::file(file.id).attributes()));
        let update = update.update_expression("REMOVE announced").condition_expression("attribute_exists(pk)");
        match update.send().await {
            Ok(_) => Ok(Some(file)),
            // It was deleted meanwhile.
            Err(err) if err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => Ok(None),
            Err(err) => Err(trouble(err)),
        }
    }

    /// Of each file, in their order, whether its bytes are there. Writes nothing.
    pub(super) async fn all_uploaded(&self, items: &[Option<FileItem>]) -> Result<Vec<bool>, Error> {
        let announced = items.iter().map(|item| item.as_ref().filter(|item| item.is_announced()));
        let asked = announced.map(|item| {
            let expected = item.map(FileItem::object);
            async move {
                match expected {
                    Some((key, size)) => Ok(self.blobs.size(&key).await? == Some(size)),
                    None => Ok(true),
                }
            }
        });
        let asked: Vec<_> = asked.collect();
        stream::iter(asked).buffered(SIDE_BY_SIDE).try_collect().await
    }

    /// Says which of the files that the input names, each at its path, cannot be used. Gives those that
    /// nothing refers to yet, and that would be removed. Writes nothing: an announcement goes with
    /// the write that makes use of the file.
    pub(super) async fn usable_files(
        &self,
        files: Vec<(Vec<Step>, Option<FileId>)>,
        items: Items,
    ) -> Result<Vec<FileId>, Error> {
        // Two originals may have become one file, so what was found stays.
        let found = files.iter().map(|(_, id)| items.look_for_file(*id)).collect::<Result<Vec<_>, Error>>()?;
        let bytes_there = self.all_uploaded(&found).await?;
        let (mut unclaimed, mut problems) = (vec![], Problems::default());
        for ((path, _), (item, uploaded)) in files.into_iter().zip(found.into_iter().zip(bytes_there)) {
            match item {
                None => problems.add(path, "unknown_file", "there is no such file in this channel"),
                Some(_) if !uploaded => problems.add(path, "not_uploaded", NOT_UPLOADED),
                Some(item) if item.is_unclaimed() && !unclaimed.contains(&item.id()) => unclaimed.push(item.id()),
                Some(_) => {}
            }
        }
        problems.or(Some(unclaimed))
    }

    /// Of some files those whose bytes are there, in their order, each [`arrived`](Self::arrived).
    pub(super) async fn all_arrived(&self, items: Vec<FileItem>) -> Result<Vec<Attachment>, Error> {
        let asked: Vec<_> = items.into_iter().map(|item| self.arrived(item)).collect();
        let arrived: Vec<Option<Attachment>> = stream::iter(asked).buffered(SIDE_BY_SIDE).try_collect().await?;
        Ok(arrived.into_iter().flatten().collect())
    }
}
