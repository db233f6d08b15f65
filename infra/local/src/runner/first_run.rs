//! The information that a start prints. The first start creates an owner, an agent and an API key and
//! prints their credentials. Only hashes of them are stored, so later starts cannot print them.
//!
//! Credentials count as shown once they are written to standard output. If a start ends before that,
//! the next one creates new credentials.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use shared::http::App;
use shared::models::account::Email;
use shared::models::{CreateAgent, NewApiKey, Role, User};
use shared::secrets::{Password, Weakness};
use shared::{hex, random};

use super::installation::Installation;
use crate::StartError;

/// The address of the owner unless configured.
pub const DEFAULT_OWNER: &str = "owner@placet.local";
const AGENT_NAME: &str = "My first agent";
const KEY_NAME: &str = "First key";

/// The configured credentials of the owner.
pub struct OwnerOptions {
    email: Option<Email>,
    password: Option<String>,
}

impl OwnerOptions {
    /// Reads `PLACET_OWNER_EMAIL` and `PLACET_OWNER_PASSWORD`.
    pub fn from_env() -> Result<Self, StartError> {
        let (email, password) = shared::config::local_owner();
        let email = match email {
            Some(text) => Some(
                Email::checked(&text)
                    .ok_or_else(|| StartError::message("PLACET_OWNER_EMAIL is not an e-mail address."))?,
            ),
            None => None,
        };
        if let Some(weakness) = password.as_deref().and_then(Weakness::of) {
            return Err(StartError::message(format!("{}.", weakness.sentence("PLACET_OWNER_PASSWORD"))));
        }
        Ok(Self { email, password })
    }
}

/// The information that every start prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartupInfo {
    /// The API's URL, for agents.
    pub url: String,
    /// The inbox's URL, for people.
    pub inbox_url: String,
    /// The first owner's address.
    pub email: Option<String>,
    /// Null after the first start, and when it was configured.
    pub password: Option<String>,
    /// Null after the first start.
    pub api_key: Option<String>,
    /// The channel of the first owner's first agent.
    pub channel_id: Option<String>,
    /// The data directory.
    #[serde(skip)]
    data_dir: PathBuf,
}

/// The service's URLs for agents and for people.
pub struct Urls {
    pub api: String,
    pub inbox: String,
}

/// Creates credentials if no start has shown any yet; otherwise finds their owner.
pub async fn prepare(
    installation: &Installation,
    options: OwnerOptions,
    urls: Urls,
) -> Result<StartupInfo, StartError> {
    let (app, data_dir) = (&installation.app, installation.dir.path().to_owned());
    if installation.instance.credentials_shown_at.is_none() {
        return create_credentials(app, options, urls, data_dir).await;
    }
    let owner = app.store.first_owner().await?;
    if options.email.is_some_and(|email| owner.as_ref().is_none_or(|it| it.email != email.as_str())) {
        tracing::warn!("PLACET_OWNER_EMAIL is ignored: this data directory already has an owner");
    }
    if options.password.is_some() {
        tracing::warn!("PLACET_OWNER_PASSWORD is ignored: `placet-local reset-password` sets a new password");
    }
    let agent = match &owner {
        Some(owner) => app.store.first_agent(owner.id).await?,
        None => None,
    };
    let Urls { api: url, inbox: inbox_url } = urls;
    let channel_id = agent.map(|agent| agent.to_string());
    Ok(StartupInfo {
        url,
        inbox_url,
        email: owner.map(|it| it.email),
        password: None,
        api_key: None,
        channel_id,
        data_dir,
    })
}

/// Records that the credentials were printed, so that the next start creates no new ones.
pub async fn record_credentials_shown(installation: &mut Installation) -> Result<(), StartError> {
    if installation.instance.credentials_shown_at.is_none() {
        installation.instance.credentials_shown_at = Some(installation.app.clock.now());
        installation.app.store.put_instance(&installation.instance).await?;
    }
    Ok(())
}

async fn create_credentials(
    app: &App,
    options: OwnerOptions,
    urls: Urls,
    data_dir: PathBuf,
) -> Result<StartupInfo, StartError> {
    let is_configured = options.password.is_some();
    let password = options.password.unwrap_or_else(random_password);
    let email = options.email.unwrap_or_else(|| Email::typed(DEFAULT_OWNER));
    let user = set_owner_password(app, &email, &password).await?;
    if user.email != email.as_str() {
        tracing::warn!("PLACET_OWNER_EMAIL is ignored: an earlier start created the owner");
    }
    let channel = match app.store.first_agent(user.id).await? {
        Some(agent) => agent,
        None => app.store.agents().create(user.id, CreateAgent::named(AGENT_NAME)).await?.agent.id,
    };
    app.store.accounts().delete_unused_api_keys(user.id, KEY_NAME).await?;
    let key = app.store.accounts().create_api_key(user.id, NewApiKey::labelled(KEY_NAME)).await?.key;
    let (email, password) = (Some(user.email), (!is_configured).then_some(password));
    let Urls { api: url, inbox: inbox_url } = urls;
    Ok(StartupInfo {
        url,
        inbox_url,
        email,
        password,
        api_key: Some(key),
        channel_id: Some(channel.to_string()),
        data_dir,
    })
}

/// Sets the first owner's password, and creates the owner if there is none.
pub async fn set_owner_password(app: &App, email: &Email, password: &str) -> Result<User, StartError> {
    let password = || Password::new(password.to_owned());
    let owner = match app.store.first_owner().await? {
        Some(owner) => app.store.accounts().reset_password(&Email::typed(&owner.email), password()).await?,
        None => app.store.accounts().create_user(email, password(), "Owner", Role::Owner).await?,
    };
    owner.ok_or_else(|| StartError::message(format!("The account of {} is not an owner's.", email.as_str())))
}

/// A password with 64 random bits.
pub fn random_password() -> String {
    hex::encode(&random::bytes::<8>())
}

impl StartupInfo {
    /// One line of JSON, without the line break.
    pub fn to_json(&self) -> Result<String, StartError> {
        serde_json::to_string(self).map_err(|err| StartError::message(format!("The JSON could not be written: {err}.")))
    }
}

impl fmt::Display for StartupInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data_dir.display();
        writeln!(f, "\n  placet-serverless is running.\n\n    Inbox     {}", self.inbox_url)?;
        let url = Some(format!("{} (for agents)", self.url));
        let lines = [
            ("E-mail", &self.email),
            ("Password", &self.password),
            ("URL", &url),
            ("API key", &self.api_key),
            ("Channel", &self.channel_id),
        ];
        for (name, value) in lines {
            if let Some(value) = value {
                writeln!(f, "    {name:<10}{value}")?;
            }
        }
        writeln!(f, "    Data      {data}\n")?;
        if self.api_key.is_some() {
            writeln!(f, "  Save these credentials: they are shown only once and stored as hashes.\n")?;
        } else {
            writeln!(
                f,
                "  The password and the API key were shown at the first start. To create new ones:\n    \
                 password: stop the runner, then placet-local reset-password --data-dir '{data}'\n    \
                 API key: Settings > Keys in the inbox\n"
            )?;
        }
        let (url, channel) = (&self.url, self.channel_id.as_deref().unwrap_or("agt_..."));
        let key = self.api_key.as_deref().unwrap_or("hp_...");
        write!(
            f,
            r#"  Request an approval, then answer it in the inbox:

    curl {url}/api/v1/messages -H 'Authorization: Bearer {key}' \
      -H 'Content-Type: application/json' \
      -d '{{"channelId":"{channel}","text":"May I deploy?","review":{{"type":"approval"}}}}'

  Press Ctrl-C to stop.
"#
        )
    }
}
