//! A folder into storage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dynamo::version::VERSION;
use shared::storage::{Blobs, Store};

use crate::TransferError;
use crate::export::{download, totals_of};
use crate::folder::{Folder, ObjectEntry, hash_file};
use crate::totals::{Counter, Totals};

/// Copies a finished export into storage without items, which `target` names, and compares counts and checksums with
/// those of the export. An interrupted import can be repeated. Items of earlier versions are migrated at the end.
pub async fn import(store: &Store, blobs: &Blobs, from: &Path, target: &str) -> Result<Totals, TransferError> {
    let folder = Folder::open(from)?;
    let Some(manifest) = folder.manifest()? else {
        return Err(TransferError::message(format!("{} has no finished export: repeat it.", from.display())));
    };
    if manifest.schema_version > VERSION {
        return Err(TransferError::message("The export is of a newer version of placet-serverless."));
    }
    if totals_of(&folder, manifest.pages)? != manifest.totals {
        return Err(TransferError::message(format!("The files in {} have changed since the export.", from.display())));
    }
    if !folder.has_begun(target) {
        if has_items(store).await? {
            return Err(TransferError::message(format!("{target} has data already: import into a new one.")));
        }
        folder.mark_begun(target)?;
    }
    let objects = folder.objects()?;
    import_objects(blobs, &folder, &objects).await?;
    for number in 0..manifest.pages {
        store.put_copies(folder.page(number)?).await?;
    }
    let copied = totals_in(store, blobs, &objects, from).await?;
    if copied != manifest.totals {
        let expected = manifest.totals;
        return Err(TransferError::message(format!(
            "The copy differs from the export: {copied:?} instead of {expected:?}. Was the service used meanwhile?"
        )));
    }
    if manifest.schema_version < VERSION {
        store.migrate_again().await?;
    }
    Ok(copied)
}

async fn has_items(store: &Store) -> Result<bool, TransferError> {
    let mut after = None;
    loop {
        let page = store.copy_page(after).await?;
        match page.next {
            _ if !page.items.is_empty() => return Ok(true),
            None => return Ok(false),
            next => after = next,
        }
    }
}

/// Objects come before the items that name them. Those that are there with their size are not sent again.
async fn import_objects(
    blobs: &Blobs,
    folder: &Folder,
    objects: &BTreeMap<String, ObjectEntry>,
) -> Result<(), TransferError> {
    let present = listed(blobs).await?;
    for entry in objects.values().filter(|entry| present.get(&entry.key) != Some(&entry.size)) {
        let path = folder.object_path(&entry.key);
        if hash_file(&path)? != (entry.size, entry.sha256.clone()) {
            return Err(TransferError::message(format!("{} has changed since the export.", path.display())));
        }
        blobs.put_file(&entry.key, entry.content_type.as_deref(), &path).await?;
    }
    Ok(())
}

async fn listed(blobs: &Blobs) -> Result<BTreeMap<String, u64>, TransferError> {
    let (mut all, mut after) = (BTreeMap::new(), None::<String>);
    loop {
        let page = blobs.list_page(after.as_deref()).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(last.clone());
        all.extend(page);
    }
}

/// Reads the copy again, every byte of it.
async fn totals_in(
    store: &Store,
    blobs: &Blobs,
    objects: &BTreeMap<String, ObjectEntry>,
    folder: &Path,
) -> Result<Totals, TransferError> {
    let (mut counter, mut after) = (Counter::default(), None);
    loop {
        let page = store.copy_page(after).await?;
        page.items.iter().for_each(|item| counter.add_item(item));
        match page.next {
            None => break,
            next => after = next,
        }
    }
    let scratch = folder.join("compared.tmp");
    for key in objects.keys() {
        download(blobs, key, &scratch).await?;
        let (size, sha256) = hash_file(&scratch)?;
        counter.add_object(key, size, &sha256);
    }
    let _ = fs::remove_file(&scratch);
    Ok(counter.totals())
}
