//! Names of objects in the bucket.

use std::fmt;

use ulid::Ulid;

use crate::ids::{AgentId, FileId};

/// Every object of the bucket.
pub enum StorageKey<'a> {
    Upload(FileId),
    /// An agent's picture; each upload is a version of its own.
    Avatar(AgentId, &'a str),
    /// An archive made for one download; it is deleted after a day.
    Export(Ulid),
}

impl fmt::Display for StorageKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(file) => write!(f, "uploads/{}/{}", file.channel().ulid(), file.ulid()),
            Self::Avatar(agent, version) => write!(f, "avatars/{}/{version}", agent.ulid()),
            Self::Export(archive) => write!(f, "exports/{archive}.zip"),
        }
    }
}

/// All objects of one kind that are under one agent.
pub enum Prefix {
    Uploads(AgentId),
    Avatars(AgentId),
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uploads(agent) => write!(f, "uploads/{}/", agent.ulid()),
            Self::Avatars(agent) => write!(f, "avatars/{}/", agent.ulid()),
        }
    }
}
