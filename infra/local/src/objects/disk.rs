//! Syncs to the disk what the engine wrote: a file's bytes, the files that the engine keeps beside
//! it, and the directories that name them. What was acknowledged survives a power cut.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The engine's directory.
#[derive(Clone)]
pub struct Disk(PathBuf);

impl Disk {
    pub fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }

    pub fn has(&self, bucket: &str, key: &str) -> bool {
        self.object(bucket, key).exists()
    }

    /// Syncs an object. The files come first: a directory may name only what is whole.
    pub async fn sync(&self, bucket: &str, key: &str) -> io::Result<()> {
        let files = [vec![self.object(bucket, key)], self.metadata(bucket, key).to_vec()].concat();
        let directories = self.directories(bucket, &[key.to_owned()]);
        blocking(move || files.iter().chain(&directories).try_for_each(|path| sync(path))).await
    }

    /// Syncs the directories of objects that were removed, or they might be back after a power cut.
    pub async fn sync_removal(&self, bucket: &str, keys: Vec<String>) -> io::Result<()> {
        let directories = self.directories(bucket, &keys);
        // A directory that was never made names nothing.
        blocking(move || directories.iter().filter(|path| path.exists()).try_for_each(|path| sync(path))).await
    }

    /// Removes the files of objects, if they are there, and syncs their directories.
    pub async fn remove(&self, bucket: &str, keys: Vec<String>) -> io::Result<()> {
        let files: Vec<PathBuf> = keys.iter().map(|key| self.object(bucket, key)).collect();
        blocking(move || files.iter().try_for_each(|file| missing_is_fine(std::fs::remove_file(file)))).await?;
        self.sync_removal(bucket, keys).await
    }

    fn object(&self, bucket: &str, key: &str) -> PathBuf {
        self.0.join(bucket).join(key)
    }

    /// The object's headers and checksums, under the names that s3s-fs gives them.
    fn metadata(&self, bucket: &str, key: &str) -> [PathBuf; 2] {
        let name = [bucket, key].map(|part| URL_SAFE_NO_PAD.encode(part));
        ["metadata", "internal"].map(|kind| self.0.join(format!(".bucket-{}.object-{}.{kind}.json", name[0], name[1])))
    }

    /// All directories between the objects and the root, which holds their metadata; each once,
    /// the deepest first.
    fn directories(&self, bucket: &str, keys: &[String]) -> Vec<PathBuf> {
        let of_each = keys.iter().map(|key| self.object(bucket, key));
        let all: BTreeSet<PathBuf> = of_each
            .flat_map(|file| {
                let above = file.ancestors().skip(1).take_while(|path| path.starts_with(&self.0));
                above.map(Path::to_owned).collect::<Vec<_>>()
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

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|err| Err(io::Error::other(err)))
}
