//! The data directory: private to its user and locked by one runner at a time.
//!
//! - [`location`]: where it is
//! - [`secret`]: the installation's secret in it

pub mod location;
pub mod secret;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::options::Options;
use crate::StartError;
use crate::engines::DATABASE;

/// The file with the id of the installation, written last when a data directory is created.
pub const INSTANCE_FILE: &str = "instance.json";
/// The file of the installation's secret.
pub const SECRET_FILE: &str = "secret";
/// The file in which earlier versions stored the owner's credentials.
pub const OWNER_FILE: &str = "owner.json";
const LOCK_FILE: &str = "lock";

/// A locked data directory. A temporary one is deleted when it is dropped.
pub struct DataDir {
    path: PathBuf,
    /// Locked, and not empty while a runner uses the directory.
    lock_file: File,
    was_running: bool,
    /// The lock on the directory itself, which cannot be deleted as the lock file can.
    _lock: File,
    _temporary: Option<TempDir>,
}

impl DataDir {
    /// Opens and locks the directory that the options choose; creates it if it is absent.
    pub fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let temporary = TempDir::with_prefix("placet-").map_err(|err| io_error(&std::env::temp_dir(), &err))?;
            return Self::open_at(temporary.path().to_owned(), Some(temporary));
        }
        Self::open_at(location::resolve(options)?, None)
    }

    fn open_at(path: PathBuf, temporary: Option<TempDir>) -> Result<Self, StartError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|err| io_error(&path, &err))?;
        let path = path.canonicalize().map_err(|err| io_error(&path, &err))?;
        let directory = File::open(&path).map_err(|err| io_error(&path, &err))?;
        match directory.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(in_use(&path)),
            // Some network file systems cannot lock directories; the lock file covers them.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let lock_path = path.join(LOCK_FILE);
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let mut lock_file = opened.map_err(|err| io_error(&lock_path, &err))?;
        lock_file.try_lock().map_err(|_| in_use(&path))?;
        make_private(&path).map_err(|err| io_error(&path, &err))?;
        let mut text = String::new();
        lock_file.read_to_string(&mut text).map_err(|err| io_error(&lock_path, &err))?;
        let was_running = !text.is_empty();
        Ok(Self { path, lock_file, was_running, _lock: directory, _temporary: temporary })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the previous runner ended without a shutdown: by a crash, a kill or a power cut.
    pub fn was_running(&self) -> bool {
        self.was_running
    }

    /// Records that a runner uses the directory, until [`mark_stopped`](Self::mark_stopped).
    pub fn mark_running(&mut self) -> Result<(), StartError> {
        self.write_lock_file("running\n")
    }

    /// Records that everything was closed.
    pub fn mark_stopped(mut self) -> Result<(), StartError> {
        self.write_lock_file("")
    }

    fn write_lock_file(&mut self, text: &str) -> Result<(), StartError> {
        let mut write = || {
            self.lock_file.rewind()?;
            self.lock_file.set_len(0)?;
            self.lock_file.write_all(text.as_bytes())?;
            self.lock_file.sync_all()
        };
        write().map_err(|err| io_error(&self.path.join(LOCK_FILE), &err))
    }

    /// Whether the directory has a subdirectory or a non-empty file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).metadata().is_ok_and(|it| it.is_dir() || it.len() > 0)
    }

    /// The text of a file; `None` if it is absent.
    pub fn read(&self, name: &str) -> Result<Option<String>, StartError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(io_error(&path, &err)),
        }
    }

    /// Writes a file atomically, readable only by its user.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StartError> {
        let (path, temporary) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_parent(&path)
        };
        write().map_err(|err| io_error(&path, &err))
    }

    /// Deletes a file, if it exists.
    pub fn delete(&self, name: &str) -> Result<(), StartError> {
        let path = self.path.join(name);
        match fs::remove_file(&path).and_then(|()| sync_parent(&path)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(io_error(&path, &err)),
            _ => Ok(()),
        }
    }
}

/// Syncs the parent directory, so that a new, renamed or deleted file survives a power cut.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// Removes the permissions of group and others, unless the directory also contains files of other
/// programs.
fn make_private(path: &Path) -> io::Result<()> {
    if path.metadata()?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let mut names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
    let is_ours = [DATABASE, SECRET_FILE, INSTANCE_FILE, OWNER_FILE].iter().any(|name| path.join(name).exists())
        || names.all(|name| name.is_ok_and(|name| name == LOCK_FILE));
    if is_ours && fs::set_permissions(path, Permissions::from_mode(0o700)).is_ok() {
        return Ok(());
    }
    tracing::warn!("other users can read the data directory {}: `chmod 700` makes it private", path.display());
    Ok(())
}

fn in_use(path: &Path) -> StartError {
    let advice = "is in use by another placet-local: stop it, or choose another directory with --data-dir.";
    StartError::message(format!("The data directory {} {advice}", path.display()))
}

fn io_error(path: &Path, err: &io::Error) -> StartError {
    let advice = "make it writable, or choose another directory with --data-dir";
    StartError::message(format!("The data directory cannot be used ({}: {err}): {advice}.", path.display()))
}
