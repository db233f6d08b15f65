//! Storage into a folder.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use dynamo::version::VERSION;
use shared::storage::{Blobs, Store};

use crate::TransferError;
use crate::folder::{Folder, Manifest, ObjectEntry, Progress, hash_file};
use crate::totals::{Counter, Totals};

/// Copies all items and objects into a folder, from where an interrupted export ended. Writes meanwhile may be in the
/// copy or not: export while the service is not in use.
pub async fn export(store: &Store, blobs: &Blobs, to: &Path) -> Result<Totals, TransferError> {
    let folder = Folder::open(to)?;
    if let Some(manifest) = folder.manifest()? {
        return Ok(manifest.totals);
    }
    let mut progress = folder.progress()?.unwrap_or_default();
    export_items(store, &folder, &mut progress).await?;
    export_objects(blobs, &folder).await?;
    let totals = totals_of(&folder, progress.pages)?;
    folder.save_manifest(&Manifest { schema_version: VERSION, pages: progress.pages, totals: totals.clone() })?;
    Ok(totals)
}

async fn export_items(store: &Store, folder: &Folder, progress: &mut Progress) -> Result<(), TransferError> {
    while !progress.has_all_items {
        let page = store.copy_page(progress.after.take()).await?;
        folder.save_page(progress.pages, &page.items)?;
        progress.pages += 1;
        progress.has_all_items = page.next.is_none();
        progress.after = page.next;
        folder.save_progress(progress)?;
    }
    Ok(())
}

async fn export_objects(blobs: &Blobs, folder: &Folder) -> Result<(), TransferError> {
    let (known, mut after) = (folder.objects()?, None::<String>);
    folder.save_objects(&known)?;
    loop {
        let page = blobs.list_page(after.as_deref()).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, _) in page.iter().filter(|(key, _)| !known.contains_key(key)) {
            let path = folder.object_path(key);
            let content_type = download(blobs, key, &path).await?;
            let (size, sha256) = hash_file(&path)?;
            folder.add_object(&ObjectEntry { key: key.clone(), content_type, size, sha256 })?;
        }
    }
}

/// Writes an object's bytes to a file. Gives its type.
pub(crate) async fn download(blobs: &Blobs, key: &str, path: &Path) -> Result<Option<String>, TransferError> {
    let mut object = blobs.copy_object(key).await?;
    let mut file = File::create(path).map_err(TransferError::file(path))?;
    while let Some(bytes) = object.bytes.next().await {
        let bytes = bytes.map_err(shared::error::Error::unavailable)?;
        file.write_all(&bytes).map_err(TransferError::file(path))?;
    }
    file.sync_all().map_err(TransferError::file(path))?;
    Ok(object.content_type)
}

/// What is in the folder, read again from its files.
pub(crate) fn totals_of(folder: &Folder, pages: usize) -> Result<Totals, TransferError> {
    let mut counter = Counter::default();
    for number in 0..pages {
        folder.page(number)?.iter().for_each(|item| counter.add_item(item));
    }
    for entry in folder.objects()?.values() {
        counter.add_object(&entry.key, entry.size, &entry.sha256);
    }
    Ok(counter.totals())
}
