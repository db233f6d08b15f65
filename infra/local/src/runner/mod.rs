//! The command `placet-local`.
//!
//! - [`options`]: the command line
//! - [`data_dir`]: the data directory: its location, its lock and its files
//! - [`installation`]: opens a data directory, and rejects one with missing or damaged parts
//! - [`first_run`]: the owner, agent and API key that the first start creates and prints
//! - [`inbox_host`]: the host name of people's pages
//! - [`background`]: the functions without routes, and the maintenance of the engines
//! - [`reset_password`]: the subcommand that sets a new password
//! - [`transfer`]: the subcommands that copy everything into a folder or from it

pub mod background;
pub mod data_dir;
pub mod first_run;
pub mod inbox_host;
pub mod installation;
pub mod options;
pub mod reset_password;
pub mod smtp;
pub mod transfer;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use futures_util::future;
use plugins::{Plugin, Plugins};
use shared::config;
use shared::error::Error;
use shared::http::cors::Cors;
use shared::http::{self, App};
use shared::limits::Limits;
use shared::long_poll::LongPolls;
use shared::models::PluginNames;
use shared::outbound::Outbound;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::StartError;
use crate::engines::dynamodb::DynamoDb;
use crate::server::connections::Connections;
use crate::server::{self, file_descriptors, listeners};
use crate::sockets::Hub;
use first_run::{OwnerOptions, StartupInfo, Urls};
use installation::Installation;
use options::{Command, Options};

/// Looks per second of all long polls together. The stream of the table ends waits for reviews, so they need
/// hardly any.
const MAX_POLLS_PER_SECOND: u32 = 50;

/// How long counts and entries of the request log gather before one write. So many show up later, and are lost by a kill.
const GATHERING: Duration = Duration::from_millis(50);

/// Runs the command until it ends.
pub async fn run(options: Options) -> Result<(), StartError> {
    match options.command.clone() {
        Some(Command::ResetPassword { email }) => reset_password::run(options, email).await,
        Some(Command::CheckPlugins { directory }) => check_plugins(&directory),
        Some(Command::Export { folder }) => transfer::export(options, &folder).await,
        Some(Command::Import { folder }) => transfer::import(options, &folder).await,
        None => serve(options).await,
    }
}

fn check_plugins(directory: &Path) -> Result<(), StartError> {
    let plugins = Plugins::deployed(Some(directory)).map_err(StartError::message)?;
    let names: Vec<&str> = plugins.all().map(Plugin::name).collect();
    writeln!(io::stdout(), "Valid; with the bundled ones: {}", names.join(", "))
        .map_err(|err| StartError::message(err.to_string()))
}

/// Serves until a shutdown signal. The environment and the port are checked before the data directory
/// is opened.
async fn serve(options: Options) -> Result<(), StartError> {
    let (owner, max_wait) = (OwnerOptions::from_env()?, config::max_wait()?);
    let history_lifetime = config::history_lifetime()?;
    let (limits, max_connections) = (config::limits()?, config::max_connections()?);
    let plugins = Plugins::deployed(options.plugins.as_deref()).map_err(StartError::message)?;
    let cors = config::cors()?.unwrap_or_else(Cors::any);
    let max_connections = file_descriptors::max_connections(file_descriptors::raise_limit(), max_connections);
    let listeners = server::bind_all(options.host, options.port).await?;
    let (url, port) = listeners::address(&listeners)?;
    let shutdown = watch::channel(false);
    let waits = LongPolls::new(max_wait, shutdown.1.clone()).limited(limits.waits_per_user, Some(MAX_POLLS_PER_SECOND));
    let waits = waits.hearing_all();
    let mut installation = Installation::open(&options, waits).await?;
    let app = &mut installation.app;
    *app = app.clone().limited(Limits::new(&limits)).keeping_history(history_lifetime);
    app.store = app.store.clone().gathering(GATHERING);
    app.plugins = options.plugins.as_deref().map(PluginNames::installed).unwrap_or_default();
    if let Some(url) = options.inbox_url.as_ref().filter(|url| url.scheme() == "https") {
        app.contact = url.as_str().into();
    }
    if let Some(url) = options.smtp.clone().or_else(config::smtp) {
        app.mailer = smtp::mailer(&url, &options.mail_from)?;
    }
    (app.outbound, app.cors) = (Outbound::new(options.allow_loopback_webhooks), cors);
    let (site, inbox_url) = inbox_host::site(&options, &installation.dir, &url, port)?;
    installation.app.site = site;
    let urls = Urls { api: url, inbox: inbox_url };
    let served = match first_run::prepare(&installation, owner, urls).await {
        Ok(info) => {
            let is_proxied = options.inbox_url.is_some();
            let listening = Listeners { listeners, connections: Connections::new(max_connections), is_proxied };
            serve_until_shutdown(&mut installation, listening, (&info, options.json), &plugins, shutdown).await
        }
        Err(err) => Err(err),
    };
    installation.close().await.and(served)
}

/// The bound listeners, and the connections that they share.
struct Listeners {
    listeners: Vec<TcpListener>,
    connections: Connections,
    /// Whether people come through a proxy, whose address is not theirs.
    is_proxied: bool,
}

/// The same routes, whose responses say nothing that a power cut undoes.
fn durable(routes: Router<App>, dynamodb: DynamoDb) -> Router<App> {
    routes.layer(from_fn(move |request: Request, next: Next| {
        let dynamodb = dynamodb.clone();
        async move {
            let response = dynamodb.durably(next.run(request)).await;
            response.unwrap_or_else(|err| Error::unavailable(err).into_response())
        }
    }))
}

async fn serve_until_shutdown(
    installation: &mut Installation,
    Listeners { listeners, connections, is_proxied }: Listeners,
    (info, as_json): (&StartupInfo, bool),
    plugins: &Plugins,
    (close, closing): (watch::Sender<bool>, watch::Receiver<bool>),
) -> Result<(), StartError> {
    // Registered before the startup information is printed, so that no signal after it is missed.
    let shutdown = server::shutdown_signal().map_err(|err| StartError::message(err.to_string()))?;
    let hub = Hub::default();
    let workers = background::start(&installation.app, &installation.engines, hub.clone()).await?;
    let dynamodb = installation.engines.in_process.dynamodb.clone();
    let routes = durable(server::routes(hub, plugins), dynamodb);
    let service = http::service(routes, installation.app.clone());
    let service = server::finishing(if is_proxied { service } else { server::with_sources(service) });
    let serving = future::try_join_all(listeners.into_iter().map(|listener| {
        let (service, closing) = (service.clone(), closing.clone());
        tokio::spawn(server::serve_within(connections.clone(), listener, service, closing))
    }));
    drop((service, closing));
    let printed = match print(info, as_json) {
        Ok(()) => first_run::record_credentials_shown(installation).await,
        Err(err) => Err(err),
    };
    if printed.is_ok() {
        shutdown.await;
        tracing::warn!("stopping: waiting for running requests");
    }
    // The server holds a receiver until it ends.
    let _ = close.send(true);
    let (served, ()) = tokio::join!(serving, workers.stop());
    for result in served.map_err(|err| StartError::message(err.to_string()))? {
        result.map_err(|err| StartError::message(err.to_string()))?;
    }
    printed
}

/// Prints the startup information. With standard output closed, a start continues unless there are
/// new credentials, which nobody would see.
fn print(info: &StartupInfo, as_json: bool) -> Result<(), StartError> {
    let text = if as_json { info.to_json()? + "\n" } else { info.to_string() };
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(err) if info.api_key.is_some() => Err(StartError::message(format!(
            "The first credentials cannot be shown because standard output is closed ({err}): start again with an \
             open one."
        ))),
        _ => Ok(()),
    }
}
