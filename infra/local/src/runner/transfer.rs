//! `placet-local export` and `placet-local import`. The runner must be stopped, because the data directory is locked.

use std::io::{self, Write};
use std::path::Path;

use placet_transfer::TransferError;
use placet_transfer::totals::Totals;
use shared::long_poll::LongPolls;
use tokio::sync::watch;

use super::data_dir::location;
use super::first_run;
use super::installation::{self, Installation};
use super::options::Options;
use crate::StartError;

/// Copies everything into a folder.
pub async fn export(options: Options, folder: &Path) -> Result<(), StartError> {
    let path = location::resolve(&options)?;
    if !installation::exists_in(&path) {
        return Err(StartError::message(format!("There is no data in {}.", path.display())));
    }
    let installation = open(&options).await?;
    let (store, blobs) = (&installation.app.store, &installation.app.blobs);
    let exported = placet_transfer::export(store, blobs, folder).await;
    installation.close().await?;
    report(exported)
}

/// Copies everything from a folder into the data directory, which must be new.
pub async fn import(options: Options, folder: &Path) -> Result<(), StartError> {
    let mut installation = open(&options).await?;
    let (store, blobs) = (&installation.app.store, &installation.app.blobs);
    let imported = placet_transfer::import(store, blobs, folder, &installation.instance.instance_id).await;
    // The next start creates no owner.
    let recorded = match &imported {
        Ok(_) => first_run::record_credentials_shown(&mut installation).await,
        Err(_) => Ok(()),
    };
    installation.close().await.and(recorded)?;
    report(imported)
}

async fn open(options: &Options) -> Result<Installation, StartError> {
    if options.ephemeral {
        return Err(StartError::message("This needs a data directory: remove --ephemeral."));
    }
    let waits = LongPolls::new(shared::config::MAX_WAIT, watch::channel(false).1);
    Installation::open(options, waits).await
}

fn report(result: Result<Totals, TransferError>) -> Result<(), StartError> {
    let Totals { items, objects, bytes, checksum } = result.map_err(|err| StartError::message(err.to_string()))?;
    // If standard output is closed, the exit code still reports the success.
    let _ = writeln!(io::stdout(), "{items} items, {objects} files, {bytes} bytes, checksum {checksum}");
    Ok(())
}
