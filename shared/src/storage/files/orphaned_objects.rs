//! Cleanup records for S3 objects scheduled for deletion. A record is written in the transaction that deletes
//! the items which named the objects; then the objects are deleted, then the record. If a process dies in
//! between, the expiry function finds the record in the index `due`.
//!
//! Before objects are uploaded, a record is written for them too; the transaction that creates their items
//! deletes it. If that transaction never commits, the expiry function deletes the objects.

use std::time::Duration;

use dynamo::value::{s, to_item};
use dynamo::{Delete, Key, Put, attr};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{AgentId, UserId, new_ulid};
use crate::models::Attachment;
use crate::storage::files::Files;
use crate::storage::keys::{self, due};
use crate::telemetry::cost;

/// How long after a direct upload was created its bytes may arrive: an upload begins within the first hour, and
/// S3 accepts slow ones for longer.
const UPLOAD_ENDS: Duration = Duration::from_secs(2 * 3600);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CleanupItem {
    pk: String,
    sk: String,
    due_shard: String,
    due_sort: String,
    objects: Vec<String>,
    /// Whose archive it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_id: Option<UserId>,
    /// The bytes of the archive's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// Objects to delete, by their keys in the bucket.
#[derive(Clone)]
pub(in crate::storage) struct ObjectCleanup {
    key: Key,
    ulid: Ulid,
    objects: Vec<String>,
    /// When they are deleted for good: until then a presigned URL may upload them again.
    by: Timestamp,
    /// Of an archive, its user and the bytes of its files.
    archive_of: Option<(UserId, u64)>,
}

impl ObjectCleanup {
    /// For some files of one channel. Their ids show until when a presigned URL may still upload them: a file
    /// does not say whether it had one.
    pub fn of_channel(
        now: Timestamp,
        channel: AgentId,
        objects: Vec<String>,
        files: impl Iterator<Item = Ulid>,
    ) -> Self {
        let ulid = new_ulid(now);
        let made = files.map(Timestamp::of_ulid).max();
        let by = made.map_or(now, |made| made.plus(UPLOAD_ENDS)).max(now);
        Self { key: keys::cleanup(channel, ulid), ulid, objects, by, archive_of: None }
    }

    pub fn of_files(now: Timestamp, channel: AgentId, files: &[Attachment]) -> Self {
        let objects = files.iter().map(|file| file.storage_key.clone()).collect();
        Self::of_channel(now, channel, objects, files.iter().map(|file| file.id.ulid()))
    }

    /// For an archive of files that have `size` bytes together.
    pub fn of_archive(user: UserId, size: u64, archive: Ulid, object: String, by: Timestamp) -> Self {
        let key = keys::archive_cleanup(user, archive);
        Self { key, ulid: archive, objects: vec![object], by, archive_of: Some((user, size)) }
    }

    fn item(&self) -> CleanupItem {
        let due = due(self.by, self.ulid, &self.key);
        let Key { pk, sk } = self.key.clone();
        let (owner_id, size) = self.archive_of.unzip();
        CleanupItem { pk, sk, due_shard: due.shard, due_sort: due.sort, objects: self.objects.clone(), owner_id, size }
    }

    /// The put of the record, for the transaction that deletes the items naming the objects.
    pub fn record(&self) -> Result<Put, Error> {
        Ok(Put::create(to_item(&self.item())?))
    }

    /// The delete of the record, for the transaction that names its objects. It is refused once the record is
    /// due: the objects may be deleted by then.
    pub fn cancel(&self, now: Timestamp) -> Delete {
        Delete::new(self.key.clone()).when(attr("dueSort").gt(s(now)))
    }
}

impl Files<'_> {
    /// Writes the record alone, for objects that are deleted later.
    pub(super) async fn record_cleanup(self, cleanup: &ObjectCleanup) -> Result<(), Error> {
        Ok(self.store.table.put_new(to_item(&cleanup.item())?).await?)
    }

    /// Deletes the objects of records that were written. A failure is only logged: the records remain, and the
    /// expiry function repeats the deletion.
    pub(in crate::storage) async fn run_cleanups(self, cleanups: Vec<ObjectCleanup>) {
        let objects = cleanups.iter().flat_map(|it| &it.objects).map(String::as_str);
        if let Err(err) = self.store.blobs.delete_all(objects).await {
            tracing::warn!(code = err.code(), "objects could not be deleted; the expiry function repeats it");
            return;
        }
        let now = self.store.clock.now();
        for ObjectCleanup { key, .. } in cleanups.into_iter().filter(|it| it.by <= now) {
            let table = self.store.table.clone();
            // When that fails, the objects are deleted once more.
            cost::spawn_background(async move {
                if let Err(err) = table.delete(&key).await {
                    tracing::debug!(cause = %err, "a cleanup record could not be deleted");
                }
            });
        }
    }

    /// Deletes the objects of a record in the index `due`, then the record. Gives whether the record existed.
    pub async fn finish_cleanup(self, key: &Key) -> Result<bool, Error> {
        let Some(cleanup) = self.store.table.get::<CleanupItem>(key).await? else { return Ok(false) };
        self.store.blobs.delete_all(cleanup.objects.iter().map(String::as_str)).await?;
        self.store.table.delete(key).await?;
        Ok(true)
    }
}
