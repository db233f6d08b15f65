//! `placet-local reset-password`: the way back for somebody who forgot their password. It works on
//! the data directory while no runner does.

use std::io::{self, Write};

use serde::Serialize;
use shared::models::account::Email;
use shared::secrets::Password;
use shared::waiting::Waits;
use tokio::sync::watch;

use crate::first_run::{self, OWNER, random_password};
use crate::installation::{self, Installation};
use crate::options::Options;
use crate::{StartError, place};

#[derive(Serialize)]
struct Reset {
    email: String,
    password: String,
}

/// Sets a new password for the account at `email`, or for the first owner, and prints it. The
/// user's sessions end. Where there is no owner, one is made.
pub async fn run(mut options: Options, email: Option<Email>) -> Result<(), StartError> {
    if options.ephemeral {
        return Err(StartError::told("reset-password needs a data directory: leave --ephemeral out."));
    }
    let path = place::of(&options)?;
    if !installation::is_in(&path) {
        return Err(StartError::told(format!("There is no data in {}: choose it with --data-dir.", path.display())));
    }
    options.data_dir = Some(path);
    let waits = Waits::new(shared::config::MAX_WAIT, watch::channel(false).1);
    let mut installation = Installation::open(&options, waits).await?;
    let done = reset_and_show(&mut installation, email, options.json).await;
    installation.close().await.and(done)
}

async fn reset_and_show(
    installation: &mut Installation,
    email: Option<Email>,
    as_json: bool,
) -> Result<(), StartError> {
    let reset = reset(installation, email).await?;
    let block = if as_json { reset.to_json()? } else { reset.to_text() };
    let mut out = io::stdout();
    let written = out.write_all(block.as_bytes()).and_then(|()| out.flush());
    written.map_err(|err| StartError::told(format!("The new password cannot be shown ({err}): run this again.")))?;
    first_run::shown(installation).await
}

async fn reset(installation: &Installation, email: Option<Email>) -> Result<Reset, StartError> {
    let (app, password) = (&installation.app, random_password());
    let everybody = app.store.everybody().await?;
    let user = match &email {
        Some(email) if !everybody.is_empty() => {
            let reset = app.store.reset_password(email, Password::new(password.clone())).await?;
            reset.ok_or_else(|| {
                let known: Vec<&str> = everybody.iter().take(10).map(|user| user.email.as_str()).collect();
                StartError::told(format!("Nobody has the address {}; known are {}.", email.as_str(), known.join(", ")))
            })?
        }
        _ => first_run::owner_with(app, &email.unwrap_or_else(|| Email::typed(OWNER)), &password).await?,
    };
    Ok(Reset { email: user.email, password })
}

impl Reset {
    fn to_json(&self) -> Result<String, StartError> {
        let line = serde_json::to_string(self);
        line.map(|line| line + "\n").map_err(|err| StartError::told(format!("Writing JSON failed: {err}.")))
    }

    fn to_text(&self) -> String {
        format!("E-mail    {}\nPassword  {}\n", self.email, self.password)
    }
}
