//! `placet-local`: see `--help`.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use futures_util::future;
use placet_local::connections::Connections;
use placet_local::first_run::{self, Shown, Urls, Wish};
use placet_local::installation::Installation;
use placet_local::options::{Command, Options};
use placet_local::{StartError, background, descriptors, inbox_host, reset_password, server};
use shared::cors::Cors;
use shared::limits::Limits;
use shared::outbound::Outbound;
use shared::waiting::Waits;
use shared::{config, logs};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Looks a second of all waits together. Answers are stored by this very process, so waits are told
/// of them and need not look often.
const LOOKS: u32 = 50;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    logs::to_stderr(options.verbose);
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // If standard error is gone, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "placet-local: {err}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), StartError> {
    match options.command.clone() {
        Some(Command::ResetPassword { email }) => reset_password::run(options, email).await,
        None => serve(options).await,
    }
}

async fn serve(options: Options) -> Result<(), StartError> {
    let (wish, max_wait) = (Wish::from_env()?, config::max_wait()?);
    let (limits, connections) = (config::limits()?, config::max_connections()?);
    let cors = config::cors()?.unwrap_or_else(Cors::any);
    let connections = Connections::new(descriptors::connections(descriptors::raise(), connections));
    let listeners = server::bind_all(options.host, options.port).await?;
    let (url, port) = server::address(&listeners)?;
    let closing = watch::channel(false);
    let waits = Waits::new(max_wait, closing.1.clone()).limited(limits.waits_per_user, Some(LOOKS));
    let mut installation = Installation::open(&options, waits).await?;
    installation.app = installation.app.limited(Limits::new(&limits));
    installation.app.outbound = Outbound::new(options.allow_loopback_webhooks);
    let (site, inbox_url) = inbox_host::site(&options, &installation.dir, &url, port)?;
    installation.app.site = site;
    installation.app.cors = cors;
    let urls = Urls { api: url, inbox: inbox_url };
    let done = match first_run::prepare(&installation, wish, urls).await {
        Ok(block) => {
            let doors = Doors { listeners, connections };
            run_until_stopped(&mut installation, doors, &block, options.json, closing).await
        }
        Err(err) => Err(err),
    };
    installation.close().await.and(done)
}

/// Where connections come in, and how many there may be.
struct Doors {
    listeners: Vec<TcpListener>,
    connections: Connections,
}

async fn run_until_stopped(
    installation: &mut Installation,
    Doors { listeners, connections }: Doors,
    block: &Shown,
    as_json: bool,
    (close, closing): (watch::Sender<bool>, watch::Receiver<bool>),
) -> Result<(), StartError> {
    // Before anybody can know that it runs.
    let stopping = server::asked_to_stop().map_err(|err| StartError::told(err.to_string()))?;
    let running = background::start(&installation.app, &installation.engines).await?;
    let service = server::service(installation.app.clone());
    let serving = future::try_join_all(listeners.into_iter().map(|listener| {
        let (service, closing) = (service.clone(), closing.clone());
        tokio::spawn(server::serve_within(connections.clone(), listener, service, closing))
    }));
    drop((service, closing));
    let shown = match show(block, as_json) {
        Ok(()) => first_run::shown(installation).await,
        Err(err) => Err(err),
    };
    if shown.is_ok() {
        stopping.await;
        tracing::warn!("stopping: finishing what is in flight");
    }
    // The server holds a receiver until it ends.
    let _ = close.send(true);
    let (served, ()) = tokio::join!(serving, running.stop());
    for served in served.map_err(|err| StartError::told(err.to_string()))? {
        served.map_err(|err| StartError::told(err.to_string()))?;
    }
    shown
}

/// Writes the block to standard output. Somebody who closed it still wants the service, but
/// credentials that nobody can see are of no use.
fn show(block: &Shown, as_json: bool) -> Result<(), StartError> {
    let text = if as_json { block.to_json()? + "\n" } else { block.to_string() };
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(err) if block.api_key.is_some() => Err(StartError::told(format!(
            "The first credentials cannot be shown, standard output is closed ({err}): start again with an open one."
        ))),
        _ => Ok(()),
    }
}
