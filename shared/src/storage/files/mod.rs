//! Files: their items, and reading them.

mod archive;
mod create;
mod deletion;
mod direct_upload;
mod list;
mod orphaned_objects;
mod usage;

use std::collections::BTreeSet;

use futures_util::future;

pub use archive::{ZIP_DISPOSITION, ZIP_TYPE, Zipped};
pub(super) use direct_upload::NOT_UPLOADED;
pub use direct_upload::{MAX_ANNOUNCED, UploadTarget};
pub(super) use orphaned_objects::ObjectCleanup;
pub use usage::StoredGrowth;

use dynamo::{Items, Key, MAX_BATCH_GET, Query};

use crate::caller::{AgentCaller, Caller, HumanCaller};
use crate::error::Error;
use crate::ids::{AgentId, FileId, MaybeChannel, Nil};
use crate::models::Attachment;
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::share_link::ShareLink;
use crate::storage::items::FileItem;
use crate::storage::keys::{self, FILES};
use crate::storage::{KEYS_OF_CHECK, Store, join_authorized};

/// How many announced files a list looks for.
const MAX_UPLOAD_CHECKS: usize = 16;

/// Files whose bytes are in the bucket, with the cleanup record that is cancelled when items name them.
#[derive(Default)]
pub struct UploadedFiles {
    pub(super) files: Vec<Attachment>,
    pub(super) cleanup: Option<ObjectCleanup>,
}

/// The error of a write whose files' cleanup record was due already.
pub(super) fn too_late() -> Error {
    Error::unavailable("the files were uploaded too long ago, or their channel was deleted meanwhile")
}

/// The file that a text names in a channel, or the id that is never issued.
pub(in crate::storage) fn file_in(channel: AgentId, text: &str) -> FileId {
    Some(FileId::parse_or_nil(text)).filter(|id| id.channel() == channel).unwrap_or(FileId::nil())
}

/// Whether the agent was found, and is not being removed.
fn has_agent(items: &Items, agent: AgentId) -> bool {
    items.item(&keys::agent(agent)).is_some_and(|item| !item.contains_key("deletedAt"))
}

/// Files: their items in the table, and their bytes in the bucket.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub(super) store: &'a Store,
}

impl Files<'_> {
    /// The files of a channel, or of all channels of the key's user, newest first, read while the caller is
    /// authenticated.
    pub async fn list_for_agent(self, agent: &AgentCaller, channel: MaybeChannel) -> Result<Vec<Attachment>, Error> {
        let files = match agent.channel_or_only(channel) {
            MaybeChannel::Absent => {
                let user = agent.credential.claimed;
                let read = future::try_join(
                    self.collect(self.store.query_owned(user, FILES)),
                    self.store.agents().being_deleted(user),
                );
                let (_, (mut files, leaving)) = join_authorized(self.store.authenticate(agent, &[]), read).await?;
                files.retain(|file| !leaving.contains(&file.id().channel()));
                files
            }
            MaybeChannel::Named(id) => {
                let query = self.store.query_partition(keys::channel_partition(id), FILES).descending();
                join_authorized(self.store.open_channel(agent, id, &[]), self.collect(query)).await?.1
            }
        };
        self.listable(files).await
    }

    /// The files that a query finds, as far as they fit one response.
    async fn collect(self, query: Query) -> Result<Vec<FileItem>, Error> {
        let weigh = |file: FileItem| {
            let weight = file.weight();
            Ok(Some((file, weight)))
        };
        query.collect_within_budget(MAX_PAGE_BYTES, weigh).await
    }

    /// Those of some files that a list shows. The newest unconfirmed uploads are looked up, so that an upload
    /// shows in lists as soon as it has ended.
    pub(super) async fn listable(self, files: Vec<FileItem>) -> Result<Vec<Attachment>, Error> {
        let mut looks = MAX_UPLOAD_CHECKS;
        let files = files.into_iter().filter(|file| {
            let looked_for = !file.is_announced() || looks > 0;
            looks -= usize::from(file.is_announced() && looked_for);
            looked_for
        });
        self.confirm_uploads(files.collect()).await
    }

    /// One file that the caller may see, its bytes there.
    pub async fn get(self, caller: impl Into<Caller>, id: FileId) -> Result<Attachment, Error> {
        let key = keys::file(id);
        let opened = self.store.open_channel(caller, id.channel(), std::slice::from_ref(&key)).await;
        let (_, mut items) = opened.map_err(|err| err.or_not_found("file"))?;
        let item = items.take::<FileItem>(&key)?;
        self.confirm_upload(item.ok_or(Error::NotFound("file"))?).await?.ok_or(Error::NotFound("file"))
    }

    /// The file of a share link, for everybody who has the link.
    pub async fn get_shared(self, link: &ShareLink) -> Result<Attachment, Error> {
        let (file, agent) = (keys::file(link.file()), keys::agent(link.file().channel()));
        let mut items = self.store.table.get_items(vec![file.clone(), agent]).await?;
        let there = has_agent(&items, link.file().channel());
        let item = items.take::<FileItem>(&file)?.filter(|_| there);
        self.confirm_upload(item.ok_or(Error::NotFound("file"))?).await?.ok_or(Error::NotFound("file"))
    }

    /// Files by their ids, from all channels: `None` in place of each that is not the person's, or whose agent
    /// is being deleted. Unconfirmed uploads are among them.
    pub(super) async fn find_owned(self, human: &HumanCaller, ids: &[FileId]) -> Result<Vec<Option<FileItem>>, Error> {
        let keys: BTreeSet<Key> = ids.iter().flat_map(|&id| [keys::file(id), keys::agent(id.channel())]).collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        // One call takes a hundred keys, including those of the authentication.
        let (first, rest) = keys.split_at(keys.len().min(MAX_BATCH_GET - KEYS_OF_CHECK));
        let rest =
            future::try_join_all(rest.chunks(MAX_BATCH_GET).map(|some| self.store.table.get_items(some.to_vec())));
        let rest = async { Ok(rest.await?) };
        let ((user, mut items), rest) = join_authorized(self.store.authenticate(human, first), rest).await?;
        rest.into_iter().for_each(|some| items.extend(some));
        ids.iter()
            .map(|id| {
                let there = has_agent(&items, id.channel());
                let item = items.take::<FileItem>(&keys::file(*id))?;
                Ok(item.filter(|item| there && item.is_of(user)))
            })
            .collect()
    }
}
