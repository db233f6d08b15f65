//! The files of multipart uploads that were neither completed nor aborted. On AWS a lifecycle rule of the bucket
//! deletes them.

use std::path::Path;
use std::{fs, io};

/// Deletes all of them. No upload may be running.
pub fn delete(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_of_upload) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether s3s-fs gives this name to a part, to an upload or to the headers of its object.
fn is_of_upload(name: &str) -> bool {
    let is_part = name.starts_with(".upload_id-") && name.contains(".part-");
    let is_upload = name.starts_with(".upload-") && name.ends_with(".json");
    let is_metadata = name.starts_with(".bucket-") && name.contains(".upload-") && name.ends_with(".metadata.json");
    is_part || is_upload || is_metadata
}
