//! `placet-local`: see `--help`.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use placet_local::data_dir::DataDir;
use placet_local::engines::Engines;
use placet_local::first_run::{self, Wish};
use placet_local::options::Options;
use placet_local::{StartError, background, server};
use shared::clock::Clock;
use shared::cors::Cors;
use shared::outbound::Outbound;
use shared::waiting::Waits;
use shared::{config, logs};
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let (wish, max_wait) = (Wish::from_env()?, config::max_wait()?);
    let cors = config::cors()?.unwrap_or_else(Cors::any);
    let listener = server::bind(options.host, options.port).await?;
    let url = server::url(&listener).map_err(|err| StartError::told(err.to_string()))?;
    let dir = DataDir::open(&options)?;
    let engines = Engines::start(dir.path()).await?;
    let (close, closing) = watch::channel(false);
    let waits = Waits::new(max_wait, closing.clone());
    let mut app = engines.app(Clock::system(), waits, dir.secret()?).await?;
    app.outbound = Outbound::new(options.allow_loopback_webhooks);
    app.cors = cors;
    let shown = first_run::prepare(&app, &dir, wish, url).await?;

    let running = background::start(&app, &engines).await?;
    let serving = tokio::spawn(server::serve(listener, server::service(app), closing));
    let block = if options.json { shown.to_json()? + "\n" } else { shown.to_string() };
    // Somebody who closed our output still wants the service.
    let _ = std::io::stdout().write_all(block.as_bytes());
    let _ = std::io::stdout().flush();

    server::asked_to_stop().await.map_err(|err| StartError::told(err.to_string()))?;
    tracing::warn!("stopping: finishing what is in flight");
    // The server holds a receiver until it ends.
    let _ = close.send(true);
    let (served, ()) = tokio::join!(serving, running.stop());
    served.map_err(|err| StartError::told(err.to_string()))?.map_err(|err| StartError::told(err.to_string()))?;
    engines.stop().await;
    Ok(())
}
