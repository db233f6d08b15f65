//! Syncs what the engine wrote to the disk: an object's file, its metadata files and their
//! directories. An acknowledged object then survives a power cut.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Syncs files in the engine's directory.
#[derive(Clone)]
pub struct DiskSync(PathBuf);

impl DiskSync {
    pub fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// Whether the object has a file.
    pub fn has_object(&self, bucket: &str, key: &str) -> bool {
        self.object(bucket, key).exists()
    }

    /// Syncs an object: files before directories, so that no directory lists an incomplete file.
    pub async fn sync(&self, bucket: &str, key: &str) -> io::Result<()> {
        let files = [vec![self.object(bucket, key)], self.metadata(bucket, key).to_vec()].concat();
        let directories = self.directories(bucket, &[key.to_owned()]);
        blocking(move || files.iter().chain(&directories).try_for_each(|path| sync(path))).await
    }

    /// Syncs the directories of deleted objects, so that a power cut does not bring the objects back.
    pub async fn sync_deletion(&self, bucket: &str, keys: Vec<String>) -> io::Result<()> {
        let directories = self.directories(bucket, &keys);
        // A directory that was never created lists nothing.
        blocking(move || directories.iter().filter(|path| path.exists()).try_for_each(|path| sync(path))).await
    }

    /// Deletes the files of objects, if they exist, and syncs their directories.
    pub async fn delete(&self, bucket: &str, keys: Vec<String>) -> io::Result<()> {
        let files: Vec<PathBuf> = keys.iter().map(|key| self.object(bucket, key)).collect();
        blocking(move || files.iter().try_for_each(|file| ignore_not_found(std::fs::remove_file(file)))).await?;
        self.sync_deletion(bucket, keys).await
    }

    fn object(&self, bucket: &str, key: &str) -> PathBuf {
        self.0.join(bucket).join(key)
    }

    /// The files in which s3s-fs stores the object's headers and checksums.
    fn metadata(&self, bucket: &str, key: &str) -> [PathBuf; 2] {
        let name = [bucket, key].map(|part| URL_SAFE_NO_PAD.encode(part));
        ["metadata", "internal"].map(|kind| self.0.join(format!(".bucket-{}.object-{}.{kind}.json", name[0], name[1])))
    }

    /// Every directory from the objects up to the root, which holds the metadata files; the deepest
    /// first.
    fn directories(&self, bucket: &str, keys: &[String]) -> Vec<PathBuf> {
        let files = keys.iter().map(|key| self.object(bucket, key));
        let all: BTreeSet<PathBuf> = files
            .flat_map(|file| {
                let parents = file.ancestors().skip(1).take_while(|path| path.starts_with(&self.0));
                parents.map(Path::to_owned).collect::<Vec<_>>()
            })
            .collect();
        all.into_iter().rev().collect()
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    tracing::debug!(path = %path.display(), "synced");
    Ok(())
}

fn ignore_not_found(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|err| Err(io::Error::other(err)))
}
