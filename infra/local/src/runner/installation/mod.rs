//! Opens a data directory as one installation: its table, queues, files and secret.
//!
//! - `parts`: whether the parts belong together
//! - [`recovery`]: whether the databases are damaged or have lost changes; [`wal`]: reads a
//!   write-ahead log
//! - [`legacy_owner_file`]: the credentials that earlier versions stored
//! - `monotonic`: what the wall clock is compared with
//!
//! Each part contains the installation's id (the secret is identified by its fingerprint), and so
//! does `instance.json`, which is written last. A start is refused if a part is missing, empty or
//! from another installation, because the inbox would appear without that part's data.

pub mod legacy_owner_file;
mod monotonic;
mod parts;
pub mod recovery;
pub mod wal;

use std::path::Path;

use dynamo::version::VERSION;
use serde::{Deserialize, Serialize};
use shared::clock::Clock;
use shared::error::Error;
use shared::http::App;
use shared::long_poll::LongPolls;
use shared::storage::Instance;

use super::data_dir::secret::InstallationSecrets;
use super::data_dir::{DataDir, INSTANCE_FILE};
use super::options::Options;
use crate::StartError;
use crate::engines::{DATABASE, Engines};
use parts::Parts;

/// The file with the installation's id next to the bucket's directory.
const OBJECTS_ID_FILE: &str = "s3/instance";

/// An open data directory.
pub struct Installation {
    pub dir: DataDir,
    pub engines: Engines,
    pub app: App,
    pub instance: Instance,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceFile {
    instance_id: String,
}

impl Installation {
    /// Opens an existing installation, or creates one in an empty directory.
    pub async fn open(options: &Options, waits: LongPolls) -> Result<Self, StartError> {
        let mut dir = DataDir::open(options)?;
        // Before anything opens the database: SQLite then writes what a killed runner left in the log.
        let last_write = monotonic::last_write(&dir);
        let instance_id = read_instance_id(&dir)?;
        if instance_id.is_some() || legacy_owner_file::is_finished(&dir)? {
            check_losses(&dir, &parts::missing(&dir), options.accept_data_loss)?;
        } else {
            recovery::remove_unfinished(&dir)?;
        }
        recovery::inspect(&dir)?;
        let clock = Clock::guarded(monotonic::now);
        let engines = Engines::start(dir.path()).await?;
        let secrets = InstallationSecrets::load_or_generate(&dir)?;
        let app = engines.app(clock, waits, secrets.all.clone()).await?;
        check_schema(&dir, &app).await?;
        let (parts, owner_file) = Parts::read(&dir, &engines, &app, &secrets, instance_id).await?;
        check_losses(&dir, &parts.losses(), options.accept_data_loss)?;
        let migrated = app.store.migrate(|_| {}).await?;
        if migrated > 0 {
            tracing::info!(items = migrated, "stored items were brought to the current schema version");
        }
        let last_id = parts.last_id(last_write);
        app.clock.stamp_after(last_id);
        let instance = parts.to_instance(&app, &owner_file, last_id);
        let recorded = match record_instance(&dir, &engines, &app, &secrets, &instance).await {
            Ok(()) => dir.mark_running(),
            Err(err) => Err(err),
        };
        match recorded {
            // Every part already has its id, so the data can be read even if the disk is full.
            Err(err) if parts.are_complete() => tracing::warn!("this start could not be recorded: {err}"),
            recorded => recorded?,
        }
        owner_file.delete(&dir)?;
        Ok(Self { dir, engines, app, instance })
    }

    /// Closes everything. The routers must have been dropped.
    pub async fn close(self) -> Result<(), StartError> {
        let Self { dir, engines, app, instance: _ } = self;
        app.store.write_gathered().await;
        drop(app);
        engines.stop().await;
        dir.mark_stopped()
    }
}

/// Whether a directory contains an installation.
pub fn exists_in(path: &Path) -> bool {
    [INSTANCE_FILE, DATABASE].iter().any(|name| path.join(name).exists())
}

/// Refuses data that newer code has stored.
async fn check_schema(dir: &DataDir, app: &App) -> Result<(), StartError> {
    match app.store.check_schema().await {
        Err(Error::NewerData { version }) => Err(StartError::message(format!(
            "{} was used by a newer version of this program: its data has schema version {version}, and this program \
             reads versions up to {VERSION}. Start the newer version.",
            dir.path().display()
        ))),
        checked => Ok(checked?),
    }
}

fn read_instance_id(dir: &DataDir) -> Result<Option<String>, StartError> {
    let Some(text) = dir.read(INSTANCE_FILE)? else { return Ok(None) };
    let file = serde_json::from_str::<InstanceFile>(&text).map_err(|err| {
        let path = dir.path().join(INSTANCE_FILE);
        StartError::message(format!(
            "{} cannot be read ({err}): restore it from a backup, or delete it.",
            path.display()
        ))
    })?;
    Ok(Some(file.instance_id))
}

/// Refuses a start with lost data, unless the options accept the loss.
fn check_losses(dir: &DataDir, losses: &[String], is_accepted: bool) -> Result<(), StartError> {
    if losses.is_empty() {
        return Ok(());
    }
    let (dir, losses) = (dir.path().display(), losses.join(", "));
    if is_accepted {
        tracing::warn!("starting with {dir} although {losses}");
        return Ok(());
    }
    Err(StartError::message(format!(
        "Data was lost from {dir}: {losses}. Restore the directory from a backup, use another --data-dir, or add \
         --accept-data-loss to continue with the remaining data."
    )))
}

/// Writes the id to every part. The table and the queues are written at every start, so that their
/// write-ahead logs are never empty while the runner works.
async fn record_instance(
    dir: &DataDir,
    engines: &Engines,
    app: &App,
    secrets: &InstallationSecrets,
    instance: &Instance,
) -> Result<(), StartError> {
    let id = &instance.instance_id;
    secrets.save(dir)?;
    if dir.read(OBJECTS_ID_FILE)?.as_ref() != Some(id) {
        dir.write(OBJECTS_ID_FILE, id)?;
    }
    let recorded = engines.queue_db.set_instance_id(id.clone()).await;
    recorded.map_err(|err| StartError::message(format!("The queues cannot be written: {err}.")))?;
    app.store.put_instance(instance).await?;
    let file = serde_json::to_string(&InstanceFile { instance_id: id.clone() });
    let file = file.map_err(|err| StartError::message(format!("The JSON could not be written: {err}.")))?;
    if dir.read(INSTANCE_FILE)?.as_ref() != Some(&file) {
        dir.write(INSTANCE_FILE, &file)?;
    }
    Ok(())
}
