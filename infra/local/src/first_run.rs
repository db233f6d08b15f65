//! What the first start makes: an owner, an agent and an API key, kept in the data directory so
//! that every start can show them again. A convenience of development; a deployment has nothing
//! of the kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::models::account::Email;
use shared::models::{CreateAgent, Credentials, Role};
use shared::secrets::{Password, hex, random};

use crate::StartError;
use crate::data_dir::DataDir;

const FILE: &str = "owner.json";
const MIN_PASSWORD: usize = 8;

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

/// The file: written before the accounts are made, so that a start that dies between the two
/// finds its password again.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    email: String,
    password: String,
    api_key: Option<String>,
    channel_id: Option<String>,
}

/// The block that every start shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// What agents call.
    pub url: String,
    /// Where people sign in.
    pub inbox_url: String,
    pub email: String,
    pub password: String,
    pub api_key: String,
    pub channel_id: String,
}

/// Finds what an earlier start made, or makes it, or what is missing of it.
pub async fn prepare(
    app: &App,
    dir: &DataDir,
    wish: Wish,
    url: String,
    inbox_url: String,
) -> Result<Shown, StartError> {
    let mut kept = match dir.read(FILE)? {
        Some(text) => serde_json::from_str(&text).map_err(|err| unreadable(dir, &err))?,
        None => begin(dir, &wish)?,
    };
    if wish.email.as_ref().is_some_and(|email| email.as_str() != kept.email) {
        tracing::warn!("PLACET_OWNER_EMAIL is ignored: this data directory has its owner already");
    }
    if kept.api_key.is_none() {
        make(app, &mut kept).await?;
        dir.write(FILE, &to_json(&kept)?)?;
    }
    let Kept { email, password, api_key: Some(api_key), channel_id: Some(channel_id) } = kept else {
        return Err(unreadable(dir, &"it is incomplete"));
    };
    Ok(Shown { url, inbox_url, email, password, api_key, channel_id })
}

fn begin(dir: &DataDir, wish: &Wish) -> Result<Kept, StartError> {
    let kept = Kept {
        email: wish.email.as_ref().map_or("owner@placet.local", Email::as_str).to_owned(),
        password: wish.password.clone().unwrap_or_else(|| hex(&random::<8>())),
        api_key: None,
        channel_id: None,
    };
    dir.write(FILE, &to_json(&kept)?)?;
    Ok(kept)
}

async fn make(app: &App, kept: &mut Kept) -> Result<(), StartError> {
    let email = Email::typed(&kept.email);
    let password = || Password::new(kept.password.clone());
    let user = match app.store.create_user(&email, password(), "Owner", Role::Owner).await? {
        Some(user) => user,
        // Made by a start that died before it could note the rest.
        None => app.store.sign_in(Credentials { email, password: password() }).await?.user,
    };
    let agent = app.store.create_agent(user.id, CreateAgent::named("My first agent")).await?.agent;
    let key = app.store.create_api_key(user.id, "First key".to_owned()).await?;
    kept.api_key = Some(key.key);
    kept.channel_id = Some(agent.id.to_string());
    Ok(())
}

fn to_json(value: &impl Serialize) -> Result<String, StartError> {
    serde_json::to_string(value).map_err(|err| StartError::told(format!("Writing JSON failed: {err}.")))
}

fn unreadable(dir: &DataDir, err: &dyn fmt::Display) -> StartError {
    let path = dir.path().join(FILE);
    StartError::told(format!("{} cannot be read ({err}): restore it, or use another --data-dir.", path.display()))
}

impl Shown {
    pub fn to_json(&self) -> Result<String, StartError> {
        to_json(self)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, inbox_url, email, password, api_key, channel_id } = self;
        write!(
            f,
            r#"
  placet-serverless is running.

    Inbox     {inbox_url}
    E-mail    {email}
    Password  {password}
    URL       {url} (for agents)
    API key   {api_key}
    Channel   {channel_id}

  Ask for an approval, then answer it in the inbox:

    curl {url}/api/v1/messages -H 'Authorization: Bearer {api_key}' \
      -H 'Content-Type: application/json' \
      -d '{{"channelId":"{channel_id}","text":"May I deploy?","review":{{"type":"approval"}}}}'

  Ctrl-C stops it.
"#
        )
    }
}
