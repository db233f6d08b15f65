//! The directory that everything is kept in: private to its user, and used by one runner at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use shared::secrets::{hex, random};
use shared::server_secret::ServerSecret;
use tempfile::TempDir;

use crate::StartError;
use crate::options::Options;

/// Holding one holds the lock on it; a temporary one goes when it is dropped.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
    _temporary: Option<TempDir>,
}

impl DataDir {
    pub fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let temporary = TempDir::with_prefix("placet-").map_err(|err| told(&std::env::temp_dir(), &err))?;
            let (path, lock) = prepare(temporary.path())?;
            return Ok(Self { path, _lock: lock, _temporary: Some(temporary) });
        }
        let (path, lock) = prepare(&options.data_dir)?;
        Ok(Self { path, _lock: lock, _temporary: None })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file's text; `None` when there is no such file.
    pub fn read(&self, name: &str) -> Result<Option<String>, StartError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(told(&path, &err)),
        }
    }

    /// The secret of this instance: made at the first start, kept in `secret`.
    pub fn secret(&self) -> Result<ServerSecret, StartError> {
        const NAME: &str = "secret";
        let text = match self.read(NAME)? {
            Some(text) => text,
            None => {
                let text = hex(&random::<32>());
                self.write(NAME, &text)?;
                text
            }
        };
        ServerSecret::new(text.trim()).ok_or_else(|| {
            let path = self.path.join(NAME);
            StartError::told(format!(
                "The secret in {} is too short: remove the file to have a new one made.",
                path.display()
            ))
        })
    }

    /// Writes a file that only its user may read, whole or not at all.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StartError> {
        let (path, aside) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)
        };
        write().map_err(|err| told(&path, &err))
    }
}

fn prepare(path: &Path) -> Result<(PathBuf, File), StartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|err| told(path, &err))?;
    let path = path.canonicalize().map_err(|err| told(path, &err))?;
    let at = path.join("lock");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&at);
    let lock = lock.map_err(|err| told(&at, &err))?;
    lock.try_lock().map_err(|_| {
        let sentence = "is in use by another placet-local: stop that one, or choose another with --data-dir.";
        StartError::told(format!("The data directory {} {sentence}", path.display()))
    })?;
    Ok((path, lock))
}

fn told(path: &Path, err: &io::Error) -> StartError {
    let advice = "make it writable, or choose another with --data-dir";
    StartError::told(format!("The data directory cannot be used ({}: {err}): {advice}.", path.display()))
}
