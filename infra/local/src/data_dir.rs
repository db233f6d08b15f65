//! The directory that everything is kept in: private to its user, and used by one runner at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use shared::secrets::{hex, random};
use shared::server_secret::ServerSecret;
use tempfile::TempDir;

use crate::StartError;
use crate::engines::DATABASE;
use crate::options::Options;
use crate::{installation, owner_file, place};

/// The file that holds the installation's secret.
pub const SECRET: &str = "secret";
const LOCK: &str = "lock";

/// Holding one holds the lock on it; a temporary one goes when it is dropped.
pub struct DataDir {
    path: PathBuf,
    /// Locked, and not empty while a runner works on the directory.
    state: File,
    was_running: bool,
    /// The lock on the directory itself: files in it may be deleted, it cannot.
    _lock: File,
    _temporary: Option<TempDir>,
}

/// The installation's secret, and whether it was just made up.
pub struct Secret {
    pub secret: ServerSecret,
    /// Its text, when no file has it yet.
    new: Option<String>,
}

impl DataDir {
    pub fn open(options: &Options) -> Result<Self, StartError> {
        if options.ephemeral {
            let temporary = TempDir::with_prefix("placet-").map_err(|err| told(&std::env::temp_dir(), &err))?;
            return Self::at(temporary.path().to_owned(), Some(temporary));
        }
        Self::at(place::of(options)?, None)
    }

    fn at(path: PathBuf, temporary: Option<TempDir>) -> Result<Self, StartError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|err| told(&path, &err))?;
        let path = path.canonicalize().map_err(|err| told(&path, &err))?;
        let directory = File::open(&path).map_err(|err| told(&path, &err))?;
        match directory.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(in_use(&path)),
            // Some network file systems lock no directories; they lock the file below.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let at = path.join(LOCK);
        let state = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&at);
        let mut state = state.map_err(|err| told(&at, &err))?;
        state.try_lock().map_err(|_| in_use(&path))?;
        make_private(&path).map_err(|err| told(&path, &err))?;
        let mut text = String::new();
        state.read_to_string(&mut text).map_err(|err| told(&at, &err))?;
        let was_running = !text.is_empty();
        Ok(Self { path, state, was_running, _lock: directory, _temporary: temporary })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the last runner here ended without stopping: it was killed, or the power failed.
    pub fn was_running(&self) -> bool {
        self.was_running
    }

    /// Notes that a runner works here, until [`stopped`](Self::stopped).
    pub fn running(&mut self) -> Result<(), StartError> {
        self.note("running\n")
    }

    /// Notes that everything was closed.
    pub fn stopped(mut self) -> Result<(), StartError> {
        self.note("")
    }

    fn note(&mut self, text: &str) -> Result<(), StartError> {
        let mut write = || {
            self.state.rewind()?;
            self.state.set_len(0)?;
            self.state.write_all(text.as_bytes())?;
            self.state.sync_all()
        };
        write().map_err(|err| told(&self.path.join(LOCK), &err))
    }

    /// Whether a file is here that has something in it.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).metadata().is_ok_and(|it| it.is_dir() || it.len() > 0)
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

    /// The secret of this installation: that of the file, or a new one that no file has yet.
    pub fn secret(&self) -> Result<Secret, StartError> {
        let kept = self.read(SECRET)?.filter(|text| !text.trim().is_empty());
        let new = if kept.is_none() { Some(hex(&random::<32>())) } else { None };
        let text = kept.or_else(|| new.clone()).unwrap_or_default();
        let secret = ServerSecret::new(text.trim()).ok_or_else(|| {
            let path = self.path.join(SECRET);
            StartError::told(format!("The secret in {} is too short: restore the file from a backup.", path.display()))
        })?;
        Ok(Secret { secret, new })
    }

    /// Writes a file that only its user may read, whole or not at all.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StartError> {
        let (path, aside) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            sync_parent(&path)
        };
        write().map_err(|err| told(&path, &err))
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), StartError> {
        let path = self.path.join(name);
        match fs::remove_file(&path).and_then(|()| sync_parent(&path)) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(told(&path, &err)),
            _ => Ok(()),
        }
    }
}

impl Secret {
    pub fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// Writes a new one to its file.
    pub fn keep(&self, dir: &DataDir) -> Result<(), StartError> {
        self.new.as_ref().map_or(Ok(()), |text| dir.write(SECRET, text))
    }
}

/// The entry of a file in its directory survives a power cut, too.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// Takes group and others out of a directory that is ours alone. One that somebody keeps other
/// things in stays as it is.
fn make_private(path: &Path) -> io::Result<()> {
    if path.metadata()?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let mut names = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name()));
    let is_ours = [DATABASE, SECRET, installation::FILE, owner_file::FILE].iter().any(|name| path.join(name).exists())
        || names.all(|name| name.is_ok_and(|name| name == LOCK));
    if is_ours && fs::set_permissions(path, Permissions::from_mode(0o700)).is_ok() {
        return Ok(());
    }
    tracing::warn!("others may look into the data directory {}: `chmod 700` makes it private", path.display());
    Ok(())
}

fn in_use(path: &Path) -> StartError {
    let sentence = "is in use by another placet-local: stop that one, or choose another with --data-dir.";
    StartError::told(format!("The data directory {} {sentence}", path.display()))
}

fn told(path: &Path, err: &io::Error) -> StartError {
    let advice = "make it writable, or choose another with --data-dir";
    StartError::told(format!("The data directory cannot be used ({}: {err}): {advice}.", path.display()))
}
