//! Files whose bytes the client puts into the bucket itself. Such a file is announced first: its
//! item is there, so that nothing is lost, but nobody sees it before somebody has looked that the
//! bytes are there, exactly as many as were announced.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::FileId;
use crate::input::Problems;
use crate::models::file::FileLabel;
use crate::models::{AnnounceFile, Attachment};
use crate::storage::files::FileItem;
use crate::storage::keys::Key;
use crate::storage::{Blobs, Channel, Items, Store, trouble, written};

/// The most that one PUT takes: S3 ends at 5 GiB.
pub const MAX_ANNOUNCED: u64 = 5_000_000_000;
/// How long after its announcement an upload may begin.
const UPLOAD_BEGINS: Duration = Duration::from_secs(3600);
/// How many objects are looked for at once.
const SIDE_BY_SIDE: usize = 16;

pub(super) const NOT_UPLOADED: &str = "the bytes of this file are not there with the announced size";

/// Where the bytes of an announced file go.
pub struct UploadTarget {
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub expires_at: Timestamp,
}

impl Blobs {
    /// A URL that takes one PUT of exactly this size and type, and only while the object does
    /// not exist: bytes that somebody has seen stay as they are.
    async fn upload_target(&self, file: &Attachment, now: Timestamp) -> Result<UploadTarget, Error> {
        let expiry = PresigningConfig::expires_in(UPLOAD_BEGINS).map_err(Error::internal)?;
        let put = self.s3.put_object().bucket(&*self.bucket).key(&file.storage_key).content_type(&file.mime_type);
        let put = put.content_length(i64::try_from(file.size).map_err(Error::internal)?).if_none_match("*");
        let presigned = put.presigned(expiry).await.map_err(trouble)?;
        let headers = presigned.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(UploadTarget { url: presigned.uri().to_owned(), headers, expires_at: now.plus(UPLOAD_BEGINS) })
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
        channel: &Channel,
        announced: AnnounceFile,
    ) -> Result<(Attachment, UploadTarget), Error> {
        let now = self.clock.now();
        let AnnounceFile { filename, mime_type, size, .. } = announced;
        let file = FileLabel { filename, mime_type }.attachment(channel.id(), size, now);
        let target = self.blobs.upload_target(&file, now).await?;
        self.put_new(written(&FileItem::announced(channel, &file))?).await?;
        Ok((file, target))
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

    /// Says which of the files that `member` of the input names cannot be used. Gives those that
    /// nothing refers to yet, and that would be removed. Writes nothing: an announcement goes with
    /// the write that makes use of the file.
    pub(super) async fn usable_files(
        &self,
        member: &str,
        ids: &[Option<FileId>],
        mut items: Items,
    ) -> Result<Vec<FileId>, Error> {
        let found = ids.iter().map(|id| items.take_file(*id)).collect::<Result<Vec<_>, Error>>()?;
        let bytes_there = self.all_uploaded(&found).await?;
        let (mut unclaimed, mut problems) = (vec![], Problems::default());
        for (index, (item, uploaded)) in found.into_iter().zip(bytes_there).enumerate() {
            let path = vec![member.into(), index.into()];
            match item {
                None => problems.add(path, "unknown_file", "there is no such file in this channel"),
                Some(_) if !uploaded => problems.add(path, "not_uploaded", NOT_UPLOADED),
                Some(item) if item.is_unclaimed() => unclaimed.push(item.id()),
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
