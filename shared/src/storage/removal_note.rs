//! Notes of bytes that are to go. A note is written together with the removal of the items that
//! named the bytes, and removed once they are gone; what a dying process left is found by the
//! note's place in the index `due`.

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::FileId;
use crate::storage::keys::{Key, StorageKey, due};
use crate::storage::{Item, Store, written};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemovalNote {
    pk: String,
    sk: String,
    due_shard: String,
    due_sort: String,
    files: Vec<FileId>,
}

impl RemovalNote {
    /// `ulid` spreads notes over the index.
    pub fn new(key: Key, ulid: Ulid, now: Timestamp, files: Vec<FileId>) -> Self {
        let due = due(now, ulid, &key);
        Self { pk: key.pk, sk: key.sk, due_shard: due.shard, due_sort: due.sort, files }
    }

    pub fn item(&self) -> Result<Item, Error> {
        written(self)
    }

    fn key(&self) -> Key {
        Key { pk: self.pk.clone(), sk: self.sk.clone() }
    }
}

impl Store {
    /// Does what a note says, if it is still there; whether it was.
    pub async fn finish_bytes(&self, note: &Key) -> Result<bool, Error> {
        match self.get_all(vec![note.clone()]).await?.take::<RemovalNote>(note)? {
            Some(note) => self.follow(&note).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Deletes the bytes, then the note.
    pub(super) async fn follow(&self, note: &RemovalNote) -> Result<(), Error> {
        let objects: Vec<String> = note.files.iter().map(|file| StorageKey::Upload(*file).to_string()).collect();
        self.blobs.delete_objects(&objects).await?;
        self.delete_item(&note.key()).await
    }
}
