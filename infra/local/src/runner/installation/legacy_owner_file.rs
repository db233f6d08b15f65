//! `owner.json`, in which earlier versions stored the owner's password and API key in plain text. It
//! is compared with the table once and then deleted.

use serde::Deserialize;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::ids::AgentId;
use shared::models::account::Email;
use shared::secrets::Password;

use crate::StartError;
use crate::runner::data_dir::{DataDir, OWNER_FILE};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    email: String,
    password: String,
    api_key: Option<String>,
    channel_id: Option<String>,
}

/// The file's contents compared with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyOwnerFile {
    Absent,
    /// The first start of an earlier version ended before it printed credentials.
    Unfinished,
    /// Its password or its API key is still valid.
    Valid,
    /// Both were changed afterwards.
    Outdated,
    /// The table has neither the owner nor the agent.
    Foreign,
}

/// Whether the file exists and contains everything that a first start printed.
pub fn is_finished(dir: &DataDir) -> Result<bool, StartError> {
    let Some(text) = dir.read(OWNER_FILE)? else { return Ok(false) };
    Ok(serde_json::from_str::<Credentials>(&text).is_ok_and(|credentials| credentials.api_key.is_some()))
}

/// Reads the file, if it exists, and compares it with the table.
pub async fn read(dir: &DataDir, app: &App) -> Result<LegacyOwnerFile, StartError> {
    let Some(text) = dir.read(OWNER_FILE)? else { return Ok(LegacyOwnerFile::Absent) };
    let Ok(credentials) = serde_json::from_str::<Credentials>(&text) else { return Ok(LegacyOwnerFile::Foreign) };
    let Some(api_key) = credentials.api_key else { return Ok(LegacyOwnerFile::Unfinished) };
    let (email, store) = (Email::typed(&credentials.email), &app.store);
    let caller = AgentCaller::with_key(&api_key);
    let is_key = match &caller {
        Some(caller) => store.authenticate(caller, &[]).await.is_ok(),
        None => false,
    };
    if is_key || store.accounts().is_password(&email, Password::new(credentials.password)).await? {
        return Ok(LegacyOwnerFile::Valid);
    }
    let agent = credentials.channel_id.and_then(|id| id.parse::<AgentId>().ok());
    let has_agent = match agent {
        Some(agent) => store.has_agent(agent).await?,
        None => false,
    };
    Ok(if has_agent || store.accounts().has_user(&email).await? {
        LegacyOwnerFile::Outdated
    } else {
        LegacyOwnerFile::Foreign
    })
}

impl LegacyOwnerFile {
    /// Deletes the file and logs a warning about its contents.
    pub fn delete(self, dir: &DataDir) -> Result<(), StartError> {
        let path = dir.path().join(OWNER_FILE);
        let path = path.display();
        match self {
            Self::Absent => return Ok(()),
            Self::Unfinished => {}
            Self::Valid => tracing::warn!(
                "{path} was deleted: it contained the owner's valid password or API key in plain text; change them if \
                 another program may have read the file"
            ),
            Self::Outdated => tracing::warn!("{path} was deleted: its password and API key were no longer valid"),
            Self::Foreign => tracing::warn!("{path} was deleted: its owner is not in this database"),
        }
        dir.delete(OWNER_FILE)
    }
}
