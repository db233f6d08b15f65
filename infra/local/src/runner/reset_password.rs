//! `placet-local reset-password`: sets a new password for an account. The runner must be stopped,
//! because the data directory is locked.

use std::io::{self, Write};

use serde::Serialize;
use shared::models::account::Email;
use shared::secrets::Password;
use shared::waiting::Waits;
use tokio::sync::watch;

use super::data_dir::location;
use super::first_run::{self, DEFAULT_OWNER, random_password};
use super::installation::{self, Installation};
use super::options::Options;
use crate::StartError;

/// The new credentials.
#[derive(Serialize)]
struct Credentials {
    email: String,
    password: String,
}

/// Sets a new password for the account `email`, or for the first owner, and prints it. All sessions
/// of the account end. If there is no owner, one is created.
pub async fn run(mut options: Options, email: Option<Email>) -> Result<(), StartError> {
    if options.ephemeral {
        return Err(StartError::message("reset-password needs a data directory: remove --ephemeral."));
    }
    let path = location::resolve(&options)?;
    if !installation::exists_in(&path) {
        return Err(StartError::message(format!(
            "There is no data in {}: choose the data directory with --data-dir.",
            path.display()
        )));
    }
    options.data_dir = Some(path);
    let waits = Waits::new(shared::config::MAX_WAIT, watch::channel(false).1);
    let mut installation = Installation::open(&options, waits).await?;
    let result = reset_and_print(&mut installation, email, options.json).await;
    installation.close().await.and(result)
}

async fn reset_and_print(
    installation: &mut Installation,
    email: Option<Email>,
    as_json: bool,
) -> Result<(), StartError> {
    let credentials = reset(installation, email).await?;
    let text = if as_json { credentials.to_json()? } else { credentials.to_text() };
    let mut out = io::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|err| StartError::message(format!("The new password cannot be shown ({err}): run this again.")))?;
    first_run::record_credentials_shown(installation).await
}

async fn reset(installation: &Installation, email: Option<Email>) -> Result<Credentials, StartError> {
    let (app, password) = (&installation.app, random_password());
    let users = app.store.all_users().await?;
    let user = match &email {
        Some(email) if !users.is_empty() => {
            let reset = app.store.accounts().reset_password(email, Password::new(password.clone())).await?;
            reset.ok_or_else(|| {
                let known: Vec<&str> = users.iter().take(10).map(|user| user.email.as_str()).collect();
                StartError::message(format!(
                    "No account has the address {}; the known addresses are {}.",
                    email.as_str(),
                    known.join(", ")
                ))
            })?
        }
        _ => {
            first_run::set_owner_password(app, &email.unwrap_or_else(|| Email::typed(DEFAULT_OWNER)), &password).await?
        }
    };
    Ok(Credentials { email: user.email, password })
}

impl Credentials {
    fn to_json(&self) -> Result<String, StartError> {
        let line = serde_json::to_string(self);
        line.map(|line| line + "\n")
            .map_err(|err| StartError::message(format!("The JSON could not be written: {err}.")))
    }

    fn to_text(&self) -> String {
        format!("E-mail    {}\nPassword  {}\n", self.email, self.password)
    }
}
