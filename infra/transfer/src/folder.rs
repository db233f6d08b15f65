//! The folder of an export.
//!
//! - `items/000000.jsonl` and so on: pages of items, one item in DynamoDB's JSON per line
//! - `objects/<SHA-256 of the key>`: the bytes of an object; `objects.jsonl`: its key, type, size and SHA-256
//! - `progress.json`: where an interrupted export continues
//! - `manifest.json`: counts and checksums, written last

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::hex;

use crate::TransferError;
use crate::totals::Totals;

const OBJECTS: &str = "objects.jsonl";

/// Where an export continues.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub pages: usize,
    /// The key after which the next page begins.
    pub after: Option<(String, String)>,
    pub has_all_items: bool,
}

/// What a finished export contains.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    pub pages: usize,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A line of `objects.jsonl`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectEntry {
    pub key: String,
    pub content_type: Option<String>,
    pub size: u64,
    pub sha256: String,
}

/// The folder.
pub struct Folder(PathBuf);

impl Folder {
    /// Opens the folder, private to its user; creates it if it is absent.
    pub fn open(path: &Path) -> Result<Self, TransferError> {
        for part in [path.to_owned(), path.join("items"), path.join("objects")] {
            fs::create_dir_all(&part).map_err(TransferError::file(&part))?;
        }
        make_private(path).map_err(TransferError::file(path))?;
        Ok(Self(path.to_owned()))
    }

    pub fn progress(&self) -> Result<Option<Progress>, TransferError> {
        self.read("progress.json")
    }

    pub fn save_progress(&self, progress: &Progress) -> Result<(), TransferError> {
        self.write("progress.json", &json(progress)?)
    }

    pub fn manifest(&self) -> Result<Option<Manifest>, TransferError> {
        self.read("manifest.json")
    }

    pub fn save_manifest(&self, manifest: &Manifest) -> Result<(), TransferError> {
        self.write("manifest.json", &json(manifest)?)
    }

    /// Whether an import into this target has begun before.
    pub fn has_begun(&self, target: &str) -> bool {
        self.0.join(import_mark(target)).exists()
    }

    pub fn mark_begun(&self, target: &str) -> Result<(), TransferError> {
        self.write(&import_mark(target), target.as_bytes())
    }

    pub fn save_page(&self, number: usize, items: &[Value]) -> Result<(), TransferError> {
        let mut lines = vec![];
        for item in items {
            lines.extend(json(item)?);
            lines.push(b'\n');
        }
        self.write(&page_name(number), &lines)
    }

    pub fn page(&self, number: usize) -> Result<Vec<Value>, TransferError> {
        self.lines(&page_name(number))
    }

    /// The objects that are in the folder, by their keys.
    pub fn objects(&self) -> Result<BTreeMap<String, ObjectEntry>, TransferError> {
        let entries: Vec<ObjectEntry> = self.lines(OBJECTS)?;
        Ok(entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect())
    }

    /// Replaces the list of objects, without an incomplete last line.
    pub fn save_objects(&self, objects: &BTreeMap<String, ObjectEntry>) -> Result<(), TransferError> {
        let mut lines = vec![];
        for entry in objects.values() {
            lines.extend(json(entry)?);
            lines.push(b'\n');
        }
        self.write(OBJECTS, &lines)
    }

    /// Where the bytes of an object are.
    pub fn object_path(&self, key: &str) -> PathBuf {
        self.0.join("objects").join(hex::encode(&Sha256::digest(key.as_bytes())))
    }

    /// Lists an object whose bytes are complete.
    pub fn add_object(&self, entry: &ObjectEntry) -> Result<(), TransferError> {
        let path = self.0.join(OBJECTS);
        let append = || {
            let mut line = serde_json::to_vec(entry)?;
            line.push(b'\n');
            let mut list = OpenOptions::new().create(true).append(true).open(&path)?;
            list.write_all(&line)?;
            list.sync_data()
        };
        append().map_err(TransferError::file(&path))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, TransferError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|err| TransferError::File(path, err.into())),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(TransferError::File(path, err)),
        }
    }

    /// Replaces a file as a whole, so that none is half-written.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TransferError> {
        let (path, unfinished) = (self.0.join(name), self.0.join(format!("{name}.tmp")));
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(TransferError::file(&path))
    }

    /// A file's lines; an incomplete last one, which an interrupted write leaves, is ignored.
    fn lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, TransferError> {
        let path = self.0.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(err) => return Err(TransferError::File(path, err)),
        };
        let (mut reader, mut found, mut line) = (BufReader::new(file), vec![], String::new());
        while reader.read_line(&mut line).map_err(TransferError::file(&path))? > 0 {
            if line.ends_with('\n') {
                found.push(serde_json::from_str(&line).map_err(|err| TransferError::File(path.clone(), err.into()))?);
            }
            line.clear();
        }
        Ok(found)
    }
}

/// The size and the SHA-256 of a file's bytes.
pub fn hash_file(path: &Path) -> Result<(u64, String), TransferError> {
    let hash = || -> io::Result<(u64, String)> {
        let (mut file, mut hasher, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
        let mut size = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok((size, hex::encode(&hasher.finalize())));
            }
            size += read as u64;
            hasher.update(&buffer[..read]);
        }
    };
    hash().map_err(TransferError::file(path))
}

fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

fn page_name(number: usize) -> String {
    format!("items/{number:06}.jsonl")
}

fn import_mark(target: &str) -> String {
    format!("import-{}", hex::encode(&Sha256::digest(target.as_bytes())[..8]))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, TransferError> {
    serde_json::to_vec(value).map_err(|err| TransferError::message(format!("JSON could not be written: {err}")))
}
