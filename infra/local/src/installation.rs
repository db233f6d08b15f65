//! The parts of a data directory belong together: the table, the queues, the files and the secret.
//! Each has the installation's id (the secret is known by its fingerprint), and so has
//! `instance.json`, which is written last. A start that finds a part missing, empty or of another
//! installation refuses, for it would show an inbox without what was in it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::clock::Clock;
use shared::secrets::{hex, random};
use shared::storage::Instance;
use shared::waiting::Waits;

use crate::data_dir::{DataDir, SECRET, Secret};
use crate::engines::{BUCKET, DATABASE, Engines};
use crate::options::Options;
use crate::owner_file::{self, OwnerFile};
use crate::{StartError, durable, recovery};

pub const FILE: &str = "instance.json";
/// Beside the bucket's directory.
const OF_FILES: &str = "s3/instance";

/// A data directory in use.
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
    /// Opens what is there, or makes a new one where nothing is.
    pub async fn open(options: &Options, waits: Waits) -> Result<Self, StartError> {
        let mut dir = DataDir::open(options)?;
        let file = dir.read(FILE)?.map(|text| parse(&dir, &text)).transpose()?;
        let accepts = options.accept_data_loss;
        if file.is_some() || owner_file::is_finished(&dir)? {
            judge(&dir, &missing(&dir), accepts)?;
        } else {
            recovery::remove_unfinished(&dir)?;
        }
        recovery::inspect(&dir)?;
        let engines = Engines::start(dir.path()).await?;
        let secret = dir.secret()?;
        let app = engines.app(Clock::system(), waits, secret.secret.clone()).await?;
        let (found, owner_file) = Found::look(&dir, &engines, &app, &secret, file).await?;
        judge(&dir, &found.losses(), accepts)?;
        let instance = found.settled(&app, &owner_file);
        tie(&dir, &engines, &app, &secret, &instance).await?;
        dir.running()?;
        owner_file.delete(&dir)?;
        Ok(Self { dir, engines, app, instance })
    }

    /// Closes everything. The state of the routers must be gone.
    pub async fn close(self) -> Result<(), StartError> {
        let Self { dir, engines, app, instance: _ } = self;
        drop(app);
        engines.stop().await;
        dir.stopped()
    }
}

/// Whether a directory has been used.
pub fn is_in(path: &Path) -> bool {
    [FILE, DATABASE].iter().any(|name| path.join(name).exists())
}

fn parse(dir: &DataDir, text: &str) -> Result<String, StartError> {
    let file = serde_json::from_str::<InstanceFile>(text).map_err(|err| {
        let path = dir.path().join(FILE);
        StartError::told(format!("{} cannot be read ({err}): restore it from a backup, or remove it.", path.display()))
    })?;
    Ok(file.instance_id)
}

/// The parts of a known installation that are not there, before anything is made in their place.
fn missing(dir: &DataDir) -> Vec<String> {
    let bucket = format!("s3/{BUCKET}");
    let gone = [DATABASE, durable::FILE, &bucket, SECRET].into_iter().filter(|name| !dir.has(name));
    gone.map(|name| format!("{name} is missing or empty")).collect()
}

fn judge(dir: &DataDir, losses: &[String], accepts: bool) -> Result<(), StartError> {
    if losses.is_empty() {
        return Ok(());
    }
    let (dir, losses) = (dir.path().display(), losses.join(", "));
    if accepts {
        tracing::warn!("starting on {dir} although {losses}");
        return Ok(());
    }
    Err(StartError::told(format!(
        "Data was lost from {dir}: {losses}. Restore the directory from a backup, use another --data-dir, or add \
         --accept-data-loss to go on with what is left."
    )))
}

/// What each part says.
struct Found {
    file: Option<String>,
    table: Option<Instance>,
    queues: Option<String>,
    files: Option<String>,
    fingerprint: String,
    has_new_secret: bool,
    has_users: bool,
    has_objects: bool,
    /// Credentials that an earlier version kept are of nobody in the table.
    has_foreign_owner: bool,
}

impl Found {
    async fn look(
        dir: &DataDir,
        engines: &Engines,
        app: &App,
        secret: &Secret,
        file: Option<String>,
    ) -> Result<(Self, OwnerFile), StartError> {
        let owner_file = owner_file::read(dir, app).await?;
        let bucket = dir.path().join("s3").join(BUCKET);
        let found = Self {
            file,
            table: app.store.instance().await?,
            queues: engines.file.instance().await.map_err(|err| StartError::told(format!("{err}.")))?,
            files: dir.read(OF_FILES)?,
            fingerprint: secret.secret.fingerprint(),
            has_new_secret: secret.is_new(),
            has_users: app.store.first_owner().await?.is_some(),
            has_objects: bucket.read_dir().is_ok_and(|mut entries| entries.next().is_some()),
            has_foreign_owner: matches!(owner_file, OwnerFile::Foreign),
        };
        Ok((found, owner_file))
    }

    /// What is lost, in words.
    fn losses(&self) -> Vec<String> {
        let known = self.table.as_ref().map(|it| &it.instance_id).or(self.file.as_ref());
        let Some(id) = known else { return self.losses_of_an_earlier_version() };
        let mut losses = vec![];
        match &self.table {
            None => losses.push(format!("{DATABASE} is empty or of another installation")),
            Some(_) if self.file.as_ref().is_some_and(|file| file != id) => {
                losses.push(format!("{DATABASE} is of another installation"));
            }
            Some(table) if table.secret_fingerprint != self.fingerprint => {
                let is = if self.has_new_secret { "missing" } else { "another one than the database was used with" };
                losses.push(format!("{SECRET} is {is}"));
            }
            Some(table) if table.credentials_shown_at.is_some() && !self.has_users => {
                losses.push(format!("{DATABASE} has no accounts"));
            }
            Some(_) => {}
        }
        for (part, of) in [(durable::FILE, &self.queues), ("s3", &self.files)] {
            match of {
                None => losses.push(format!("{part} is empty or of another installation")),
                Some(of) if of != id => losses.push(format!("{part} is of another installation")),
                Some(_) => {}
            }
        }
        losses
    }

    /// Earlier versions wrote no ids.
    fn losses_of_an_earlier_version(&self) -> Vec<String> {
        let mut losses = vec![];
        if self.has_foreign_owner {
            losses.push(format!("{DATABASE} has nothing of the owner in {}", owner_file::FILE));
        } else if !self.has_users && self.has_objects {
            losses.push(format!("s3 has files and {DATABASE} has no accounts"));
        }
        if self.has_users && self.has_new_secret {
            losses.push(format!("{SECRET} is missing"));
        }
        losses
    }

    /// The table's item as it is to be from now on.
    fn settled(&self, app: &App, owner_file: &OwnerFile) -> Instance {
        let now = app.clock.now();
        let (instance_id, shown_at) = match &self.table {
            Some(table) => (table.instance_id.clone(), table.credentials_shown_at),
            None => {
                let was_shown = self.has_users && !matches!(owner_file, OwnerFile::Unfinished);
                (self.file.clone().unwrap_or_else(|| hex(&random::<16>())), was_shown.then_some(now))
            }
        };
        let secret_fingerprint = self.fingerprint.clone();
        Instance { instance_id, secret_fingerprint, credentials_shown_at: shown_at, started_at: now }
    }
}

/// Writes the id to every part. The table is written at every start, and so are the queues: from
/// then on their write-ahead logs are never empty while the runner works.
async fn tie(
    dir: &DataDir,
    engines: &Engines,
    app: &App,
    secret: &Secret,
    instance: &Instance,
) -> Result<(), StartError> {
    let id = &instance.instance_id;
    secret.keep(dir)?;
    if dir.read(OF_FILES)?.as_ref() != Some(id) {
        dir.write(OF_FILES, id)?;
    }
    engines.file.set_instance(id.clone()).await.map_err(|err| StartError::told(format!("{err}.")))?;
    app.store.put_instance(instance).await?;
    let file = serde_json::to_string(&InstanceFile { instance_id: id.clone() });
    let file = file.map_err(|err| StartError::told(format!("Writing JSON failed: {err}.")))?;
    if dir.read(FILE)?.as_ref() != Some(&file) {
        dir.write(FILE, &file)?;
    }
    Ok(())
}
