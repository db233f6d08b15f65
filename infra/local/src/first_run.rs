//! The block that a start prints. The first one makes an owner, an agent and an API key, and shows
//! their credentials; they are kept as hashes only, so no later start can.
//!
//! Credentials count as shown once they were written to standard output. A start that dies before
//! is followed by one that makes new ones.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use shared::app::App;
use shared::models::account::Email;
use shared::models::{CreateAgent, Role, User};
use shared::secrets::{Password, hex, random};

use crate::StartError;
use crate::installation::Installation;

const MIN_PASSWORD: usize = 8;
/// The address of an owner when nobody chose one.
pub const OWNER: &str = "owner@placet.local";
const AGENT: &str = "My first agent";
const KEY: &str = "First key";

/// Who the owner is to be: parts that the person who starts the runner chose.
pub struct Wish {
    email: Option<Email>,
    password: Option<String>,
}

impl Wish {
    /// From `PLACET_OWNER_EMAIL` and `PLACET_OWNER_PASSWORD`.
    pub fn from_env() -> Result<Self, StartError> {
        let (email, password) = shared::config::local_owner();
        let email = match email {
            Some(text) => Some(
                Email::checked(&text)
                    .ok_or_else(|| StartError::told("PLACET_OWNER_EMAIL is not an e-mail address."))?,
            ),
            None => None,
        };
        if password.as_ref().is_some_and(|it| it.chars().count() < MIN_PASSWORD) {
            return Err(StartError::told("PLACET_OWNER_PASSWORD must have at least 8 characters."));
        }
        Ok(Self { email, password })
    }
}

/// The block that every start shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// What agents call.
    pub url: String,
    /// Where people sign in.
    pub inbox_url: String,
    /// The first owner's.
    pub email: Option<String>,
    /// Null after the first start, and when the person chose it.
    pub password: Option<String>,
    /// Null after the first start.
    pub api_key: Option<String>,
    /// The first owner's first agent's.
    pub channel_id: Option<String>,
    #[serde(skip)]
    data: PathBuf,
}

/// Where agents and people find the service.
pub struct Urls {
    pub api: String,
    pub inbox: String,
}

/// Makes the credentials that no start has shown yet, or finds whose they are.
pub async fn prepare(installation: &Installation, wish: Wish, urls: Urls) -> Result<Shown, StartError> {
    let (app, data) = (&installation.app, installation.dir.path().to_owned());
    if installation.instance.credentials_shown_at.is_none() {
        return make(app, wish, urls, data).await;
    }
    let owner = app.store.first_owner().await?;
    if wish.email.is_some_and(|email| owner.as_ref().is_none_or(|it| it.email != email.as_str())) {
        tracing::warn!("PLACET_OWNER_EMAIL is ignored: this data directory has its owner already");
    }
    if wish.password.is_some() {
        tracing::warn!("PLACET_OWNER_PASSWORD is ignored: `placet-local reset-password` sets a new password");
    }
    let agent = match &owner {
        Some(owner) => app.store.first_agent(owner.id).await?,
        None => None,
    };
    let Urls { api: url, inbox: inbox_url } = urls;
    let channel_id = agent.map(|agent| agent.to_string());
    Ok(Shown { url, inbox_url, email: owner.map(|it| it.email), password: None, api_key: None, channel_id, data })
}

/// Notes that the block was written out, so that the next start makes no new credentials.
pub async fn shown(installation: &mut Installation) -> Result<(), StartError> {
    if installation.instance.credentials_shown_at.is_none() {
        installation.instance.credentials_shown_at = Some(installation.app.clock.now());
        installation.app.store.put_instance(&installation.instance).await?;
    }
    Ok(())
}

async fn make(app: &App, wish: Wish, urls: Urls, data: PathBuf) -> Result<Shown, StartError> {
    let chosen = wish.password.is_some();
    let password = wish.password.unwrap_or_else(random_password);
    let email = wish.email.unwrap_or_else(|| Email::typed(OWNER));
    let user = owner_with(app, &email, &password).await?;
    if user.email != email.as_str() {
        tracing::warn!("PLACET_OWNER_EMAIL is ignored: an earlier start made the owner");
    }
    let channel = match app.store.first_agent(user.id).await? {
        Some(agent) => agent,
        None => app.store.create_agent(user.id, CreateAgent::named(AGENT)).await?.agent.id,
    };
    app.store.remove_unused_keys(user.id, KEY).await?;
    let key = app.store.create_api_key(user.id, KEY.to_owned()).await?.key;
    let (email, password) = (Some(user.email), (!chosen).then_some(password));
    let Urls { api: url, inbox: inbox_url } = urls;
    Ok(Shown { url, inbox_url, email, password, api_key: Some(key), channel_id: Some(channel.to_string()), data })
}

/// The first owner, from now on with this password; made if there is none.
pub async fn owner_with(app: &App, email: &Email, password: &str) -> Result<User, StartError> {
    let password = || Password::new(password.to_owned());
    let owner = match app.store.first_owner().await? {
        Some(owner) => app.store.reset_password(&Email::typed(&owner.email), password()).await?,
        None => app.store.create_user(email, password(), "Owner", Role::Owner).await?,
    };
    owner.ok_or_else(|| StartError::told(format!("{} has an account that is no owner's.", email.as_str())))
}

/// A password of 64 bits.
pub fn random_password() -> String {
    hex(&random::<8>())
}

impl Shown {
    pub fn to_json(&self) -> Result<String, StartError> {
        serde_json::to_string(self).map_err(|err| StartError::told(format!("Writing JSON failed: {err}.")))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.data.display();
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
            writeln!(f, "  Keep the credentials: they are shown this once, and stored as hashes only.\n")?;
        } else {
            writeln!(
                f,
                "  Password and API key were shown at the first start. To get new ones:\n    \
                 a password: stop this, then placet-local reset-password --data-dir '{data}'\n    \
                 an API key: Settings > Keys in the inbox\n"
            )?;
        }
        let (url, channel) = (&self.url, self.channel_id.as_deref().unwrap_or("agt_..."));
        let key = self.api_key.as_deref().unwrap_or("hp_...");
        write!(
            f,
            r#"  Ask for an approval, then answer it in the inbox:

    curl {url}/api/v1/messages -H 'Authorization: Bearer {key}' \
      -H 'Content-Type: application/json' \
      -d '{{"channelId":"{channel}","text":"May I deploy?","review":{{"type":"approval"}}}}'

  Ctrl-C stops it.
"#
        )
    }
}
