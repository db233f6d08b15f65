//! `owner.json`: where earlier versions kept the owner's password and API key in plain text. It is
//! checked against the table once, then deleted.

use serde::Deserialize;
use shared::app::App;
use shared::auth::AgentCaller;
use shared::ids::AgentId;
use shared::models::account::Email;
use shared::secrets::Password;

use crate::StartError;
use crate::data_dir::DataDir;

pub const FILE: &str = "owner.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    email: String,
    password: String,
    api_key: Option<String>,
    channel_id: Option<String>,
}

/// What the file says, next to what the table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerFile {
    Absent,
    /// An earlier version's first start died before it showed anything.
    Unfinished,
    /// Its password or its API key lets its reader in.
    Valid,
    /// Both were changed since.
    Outdated,
    /// The table has neither its owner nor its agent.
    Foreign,
}

/// Whether the file is there and has all that a first start showed.
pub fn is_finished(dir: &DataDir) -> Result<bool, StartError> {
    let Some(text) = dir.read(FILE)? else { return Ok(false) };
    Ok(serde_json::from_str::<Kept>(&text).is_ok_and(|kept| kept.api_key.is_some()))
}

/// Reads the file, if there is one, and checks it against the table.
pub async fn read(dir: &DataDir, app: &App) -> Result<OwnerFile, StartError> {
    let Some(text) = dir.read(FILE)? else { return Ok(OwnerFile::Absent) };
    let Ok(kept) = serde_json::from_str::<Kept>(&text) else { return Ok(OwnerFile::Foreign) };
    let Some(api_key) = kept.api_key else { return Ok(OwnerFile::Unfinished) };
    let (email, store) = (Email::typed(&kept.email), &app.store);
    let caller = AgentCaller::with_key(&api_key);
    let is_key = match &caller {
        Some(caller) => store.admit(caller, &[]).await.is_ok(),
        None => false,
    };
    if is_key || store.is_password(&email, Password::new(kept.password)).await? {
        return Ok(OwnerFile::Valid);
    }
    let agent = kept.channel_id.and_then(|id| id.parse::<AgentId>().ok());
    let has_agent = match agent {
        Some(agent) => store.has_agent(agent).await?,
        None => false,
    };
    Ok(if has_agent || store.has_user(&email).await? { OwnerFile::Outdated } else { OwnerFile::Foreign })
}

impl OwnerFile {
    /// Deletes the file, and says what that means.
    pub fn delete(self, dir: &DataDir) -> Result<(), StartError> {
        let path = dir.path().join(FILE);
        let path = path.display();
        match self {
            Self::Absent => return Ok(()),
            Self::Unfinished => {}
            Self::Valid => tracing::warn!(
                "{path} was deleted: it had the owner's password or API key in plain text, which still let in; change \
                 them if another program may have read the file"
            ),
            Self::Outdated => tracing::warn!("{path} was deleted: its password and API key were not valid any more"),
            Self::Foreign => tracing::warn!("{path} was deleted: its owner is not in this database"),
        }
        dir.remove(FILE)
    }
}
