//! Whether the parts of a data directory belong together.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::http::App;
use shared::secrets::ServerSecret;
use shared::storage::Instance;
use shared::{hex, random};

use super::OBJECTS_ID_FILE;
use super::legacy_owner_file::{self, LegacyOwnerFile};
use crate::StartError;
use crate::engines::{BUCKET, DATABASE, Engines, OBJECTS_DIR};
use crate::runner::data_dir::secret::InstallationSecrets;
use crate::runner::data_dir::{DataDir, OWNER_FILE, SECRET_FILE};
use crate::sqs::sqlite;

/// More than the ids of one start take: a millisecond each.
const IDS_OF_A_START: Duration = Duration::from_secs(3600);

/// The missing parts of an existing installation. Call it before the engines create them.
pub fn missing(dir: &DataDir) -> Vec<String> {
    let bucket = format!("{OBJECTS_DIR}/{BUCKET}");
    let missing = [DATABASE, sqlite::FILE, &bucket, SECRET_FILE].into_iter().filter(|name| !dir.has(name));
    missing.map(|name| format!("{name} is missing or empty")).collect()
}

/// The installation ids found in each part.
pub struct Parts {
    /// From `instance.json`.
    file: Option<String>,
    table: Option<Instance>,
    queues: Option<String>,
    objects: Option<String>,
    /// Of the current secret, then of the previous ones.
    secret_fingerprints: Vec<String>,
    has_generated_secret: bool,
    has_users: bool,
    has_objects: bool,
    /// Whether the table lacks the owner whose credentials an earlier version stored.
    has_foreign_owner: bool,
}

impl Parts {
    /// Reads the ids. `instance_id` is the one in `instance.json`.
    pub async fn read(
        dir: &DataDir,
        engines: &Engines,
        app: &App,
        secrets: &InstallationSecrets,
        instance_id: Option<String>,
    ) -> Result<(Self, LegacyOwnerFile), StartError> {
        let owner_file = legacy_owner_file::read(dir, app).await?;
        let bucket = dir.path().join(OBJECTS_DIR).join(BUCKET);
        let queues = engines.queue_db.instance_id().await;
        let parts = Self {
            file: instance_id,
            table: app.store.instance().await?,
            queues: queues.map_err(|err| StartError::message(format!("The queues cannot be read: {err}.")))?,
            objects: dir.read(OBJECTS_ID_FILE)?,
            secret_fingerprints: secrets.all.iter().map(ServerSecret::fingerprint).collect(),
            has_generated_secret: secrets.is_generated(),
            has_users: app.store.first_owner().await?.is_some(),
            has_objects: bucket.read_dir().is_ok_and(|mut entries| entries.next().is_some()),
            has_foreign_owner: matches!(owner_file, LegacyOwnerFile::Foreign),
        };
        Ok((parts, owner_file))
    }

    /// Whether every part has an id.
    pub fn are_complete(&self) -> bool {
        self.file.is_some() && self.table.is_some() && self.queues.is_some() && self.objects.is_some()
    }

    /// A description of each lost part.
    pub fn losses(&self) -> Vec<String> {
        let known_id = self.table.as_ref().map(|it| &it.instance_id).or(self.file.as_ref());
        let Some(id) = known_id else { return self.losses_without_ids() };
        let mut losses: Vec<String> = self.table_loss(id).into_iter().collect();
        for (part, found) in [(sqlite::FILE, &self.queues), (OBJECTS_DIR, &self.objects)] {
            match found {
                None => losses.push(format!("{part} is empty or from another installation")),
                Some(found) if found != id => losses.push(format!("{part} is from another installation")),
                Some(_) => {}
            }
        }
        losses
    }

    /// The loss that shows in the table or the secret.
    fn table_loss(&self, id: &String) -> Option<String> {
        match &self.table {
            None => Some(format!("{DATABASE} is empty or from another installation")),
            Some(_) if self.file.as_ref().is_some_and(|file| file != id) => {
                Some(format!("{DATABASE} is from another installation"))
            }
            Some(table) if !self.secret_fingerprints.contains(&table.secret_fingerprint) => {
                Some(match self.has_generated_secret {
                    true => format!("{SECRET_FILE} is missing"),
                    false => format!("{SECRET_FILE} is not the one that the database was used with"),
                })
            }
            Some(table) if table.credentials_shown_at.is_some() && !self.has_users => {
                Some(format!("{DATABASE} has no accounts"))
            }
            Some(_) => None,
        }
    }

    /// The losses in a directory of an earlier version, which wrote no ids.
    fn losses_without_ids(&self) -> Vec<String> {
        let mut losses = vec![];
        if self.has_foreign_owner {
            losses.push(format!("{DATABASE} lacks the owner in {OWNER_FILE}"));
        } else if !self.has_users && self.has_objects {
            losses.push(format!("{OBJECTS_DIR} has files and {DATABASE} has no accounts"));
        }
        if self.has_users && self.has_generated_secret {
            losses.push(format!("{SECRET_FILE} is missing"));
        }
        losses
    }

    /// The time of the last id of earlier starts, the last of which wrote at `last_write`.
    pub fn last_id(&self, last_write: Timestamp) -> Timestamp {
        let stored = self.table.as_ref().and_then(|table| table.ids_after);
        stored.map_or(last_write, |at| at.max(last_write))
    }

    /// The table's item for this start.
    pub fn to_instance(&self, app: &App, owner_file: &LegacyOwnerFile, last_id: Timestamp) -> Instance {
        let now = app.clock.now();
        let (instance_id, credentials_shown_at) = match &self.table {
            Some(table) => (table.instance_id.clone(), table.credentials_shown_at),
            None => {
                let was_shown = self.has_users && !matches!(owner_file, LegacyOwnerFile::Unfinished);
                (self.file.clone().unwrap_or_else(|| hex::encode(&random::bytes::<16>())), was_shown.then_some(now))
            }
        };
        let secret_fingerprint = self.secret_fingerprints.first().cloned().unwrap_or_default();
        // While the clock is behind, each id is a millisecond later than the last.
        let ids_after = (last_id > now).then(|| last_id.plus(IDS_OF_A_START));
        Instance { instance_id, secret_fingerprint, credentials_shown_at, started_at: now, ids_after }
    }
}
