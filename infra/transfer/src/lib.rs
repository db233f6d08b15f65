//! Moves everything that a service stores into a folder, and from a folder into another service's empty storage:
//! people, hashes of keys and passwords, agents, messages, deliveries and files.
//!
//! - [`export`], [`import`]: the two ways. Both can be interrupted and repeated
//! - [`folder`]: the files of an export
//! - [`totals`]: counts and checksums, by which a copy is compared with its original
//!
//! Not moved: the secret, which the owner of both services copies, and messages in queues.

mod export;
pub mod folder;
mod import;
pub mod totals;

use std::io;
use std::path::{Path, PathBuf};

pub use export::export;
pub use import::import;
use shared::error::Error;

/// Why a transfer stops, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("{0}")]
    Message(String),
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    #[error("The storage could not be read or written: {0:?}")]
    Storage(#[from] Error),
}

impl TransferError {
    fn message(sentence: impl Into<String>) -> Self {
        Self::Message(sentence.into())
    }

    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |err| Self::File(path, err)
    }
}
