//! `placet-owner`: creates the first owner of a deployment with an agent and an API key, and prints the
//! credentials once. For an address with an account it sets a new password instead. It accesses the
//! table with its caller's AWS credentials; `make owner` runs it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use shared::models::account::Email;
use shared::models::{CreateAgent, NewApiKey, Role};
use shared::secrets::Password;
use shared::storage::Store;
use shared::{hex, random};

#[derive(Parser)]
#[command(about = "Creates the first owner of a deployment, or resets the password of an account")]
struct Options {
    /// The deployment's table
    #[arg(long)]
    table: String,
    /// The deployment's bucket
    #[arg(long)]
    bucket: String,
    /// The owner's address, which is the sign-in name
    #[arg(value_parser = address)]
    email: Email,
}

fn address(text: &str) -> Result<Email, &'static str> {
    Email::checked(text).ok_or("not an e-mail address")
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // If standard error is closed, the exit code still reports the failure.
            let _ = writeln!(io::stderr(), "placet-owner: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Options { table, bucket, email }: Options) -> Result<(), String> {
    let store = Store::of_deployment(&table, &bucket).await;
    let password = hex::encode(&random::bytes::<8>());
    let user = store.accounts().create_user(&email, Password::new(password.clone()), "Owner", Role::Owner);
    let Some(user) = user.await.map_err(storage_error)? else {
        return reset(&store, &email, password).await;
    };
    // Printed at once: if the next steps fail, the owner can sign in and create an agent and a key.
    print(&[("E-mail", email.as_str()), ("Password", &password)])?;
    let agent =
        store.agents().create(user.id, CreateAgent::named("My first agent")).await.map_err(storage_error)?.agent;
    let key =
        store.accounts().create_api_key(user.id, NewApiKey::labelled("First key")).await.map_err(storage_error)?;
    print(&[("API key", &key.key), ("Channel", &agent.id.to_string())])
}

/// Sets a new password for an existing account.
async fn reset(store: &Store, email: &Email, password: String) -> Result<(), String> {
    let user = store.accounts().reset_password(email, Password::new(password.clone())).await.map_err(storage_error)?;
    let user = user.ok_or_else(|| format!("the account of {} is being deleted", email.as_str()))?;
    print(&[("E-mail", &user.email), ("Role", user.role.word()), ("Password", &password)])?;
    let message =
        "This account already existed: it has a new password, and its sessions have ended. Its API keys remain valid.";
    writeln!(io::stderr(), "{message}").map_err(|err| format!("standard output cannot be written: {err}"))
}

fn storage_error(err: shared::error::Error) -> String {
    format!("the table could not be read or written: {err:?}")
}

fn print(lines: &[(&str, &str)]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let printed = lines.iter().try_for_each(|(name, value)| writeln!(out, "{name:<10}{value}"));
    printed.and_then(|()| out.flush()).map_err(|err| format!("standard output cannot be written: {err}"))
}
