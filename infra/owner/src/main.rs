//! `placet-owner`: makes the first owner of a deployment, with an agent and an API key, and shows
//! them once. An address that has an account gets a new password instead. It speaks to the table
//! with its caller's AWS credentials; `make owner` runs it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use shared::clock::Clock;
use shared::models::account::Email;
use shared::models::{CreateAgent, Role};
use shared::secrets::{Password, hex, random};
use shared::storage::{Blobs, Clients, Store, Table};

#[derive(Parser)]
#[command(about = "Makes the first owner of a deployment, or resets the password of a known address")]
struct Options {
    /// The deployment's table
    #[arg(long)]
    table: String,
    /// The deployment's bucket
    #[arg(long)]
    bucket: String,
    /// The owner's address, which is their name when they sign in
    #[arg(value_parser = address)]
    email: Email,
}

fn address(text: &str) -> Result<Email, &'static str> {
    Email::checked(text).ok_or("this is no e-mail address")
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // If standard error is gone, the exit code still tells.
            let _ = writeln!(io::stderr(), "placet-owner: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Options { table, bucket, email }: Options) -> Result<(), String> {
    let clients = Clients::from_env().await;
    let store = Store::new(Table::new(clients.dynamodb, &table), Blobs::new(clients.s3, &bucket), Clock::system());
    let password = hex(&random::<8>());
    let user = store.accounts().create_user(&email, Password::new(password.clone()), "Owner", Role::Owner);
    let Some(user) = user.await.map_err(of_storage)? else {
        return reset(&store, &email, password).await;
    };
    // At once: should what follows fail, its owner can sign in and make the rest.
    show(&[("E-mail", email.as_str()), ("Password", &password)])?;
    let agent = store.agents().create(user.id, CreateAgent::named("My first agent")).await.map_err(of_storage)?.agent;
    let key = store.accounts().create_api_key(user.id, "First key".to_owned()).await.map_err(of_storage)?;
    show(&[("API key", &key.key), ("Channel", &agent.id.to_string())])
}

/// For an address that has an account: its password was forgotten.
async fn reset(store: &Store, email: &Email, password: String) -> Result<(), String> {
    let user = store.accounts().reset_password(email, Password::new(password.clone())).await.map_err(of_storage)?;
    let user = user.ok_or_else(|| format!("the account of {} is being removed", email.as_str()))?;
    show(&[("E-mail", &user.email), ("Role", user.role.word()), ("Password", &password)])?;
    let note = "This account was there already: its password is new, and its sessions have ended. API keys stay.";
    writeln!(io::stderr(), "{note}").map_err(|err| format!("nothing can be shown: {err}"))
}

fn of_storage(err: shared::error::Error) -> String {
    format!("the table could not be read or written: {err:?}")
}

fn show(lines: &[(&str, &str)]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let shown = lines.iter().try_for_each(|(name, value)| writeln!(out, "{name:<10}{value}"));
    shown.and_then(|()| out.flush()).map_err(|err| format!("nothing can be shown: {err}"))
}
