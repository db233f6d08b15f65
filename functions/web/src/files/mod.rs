//! Files that agents and people sent, before they are shown: [`kind`], and the text of one ([`content`]).

pub mod content;
pub mod kind;

use std::fmt::Display;

/// The path from which a person's browser downloads a file.
pub fn download_path(id: impl Display) -> String {
    format!("/api/files/{id}/download")
}
