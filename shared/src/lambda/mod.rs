//! How a deployed function starts: logging, settings and clients, once per sandbox.
//!
//! - `gateway_event`: requests as API Gateway sends them
//! - `invocation`: the ids of an invocation, for its log lines

mod gateway_event;
pub mod invocation;

use std::convert::Infallible;
use std::pin::Pin;

use ::http::{Request, Response};
use axum::body::HttpBody as Body;
use axum::{BoxError, Router};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected};
use tokio::sync::watch;
use tower::{Service, ServiceExt, service_fn};
use tracing::Instrument;

use crate::aws::ses::Ses;
use crate::aws::{Clients, Connection, SocketGateway, parameter_store};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, SecretSource};
use crate::http::{self, App};
use crate::limits::Limits;
use crate::long_poll::LongPolls;
use crate::mail::Mailer;
use crate::models::PluginNames;
use crate::secrets::ServerSecrets;
use crate::telemetry::cost::BackgroundTasks;
use crate::telemetry::logging;

/// Runs a deployed function: logging, settings and clients, then its routes, until Lambda ends it.
pub async fn run(routes: Router<App>) -> Result<(), lambda_http::Error> {
    let adapter = lambda_http::Adapter::from(service(routes).await?);
    lambda_http::lambda_runtime::run_concurrent(adapter.map_request(gateway_event::readable)).await
}

/// The routes as a service with buffered responses: Lambda sends nothing before a response is complete.
async fn service<B>(
    routes: Router<App>,
) -> Result<
    impl Service<Request<B>, Response = BufferedResponse, Error = Infallible, Future: Send> + Clone + Send,
    ConfigError,
>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    logging::init_json();
    let config = Config::from_env()?;
    let has_source_addresses = config.has_source_addresses;
    let connection = Connection::new(&config.aws);
    let secrets = secrets(&config, &connection).await?;
    let router = http::service(routes, deployed(config, &connection, secrets));
    let buffered = ServiceExt::<Request<B>>::and_then(router, async |response: axum::response::Response| {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        // Lambda freezes the sandbox once the response is sent.
        if let Some(tasks) = parts.extensions.get::<BackgroundTasks>() {
            tasks.clone().finish().await;
        }
        Ok(BufferedResponse(Response::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()))))
    });
    Ok(service_fn(move |mut request: Request<B>| {
        let span = invocation::span_of_request(&request);
        let source = invocation::source_of(&request).filter(|_| has_source_addresses);
        source.map(|address| request.extensions_mut().insert(address));
        buffered.clone().oneshot(request).instrument(span)
    }))
}

/// The state of a deployed function that a schedule invokes.
pub fn schedule_app() -> Result<App, ConfigError> {
    logging::init_json();
    Ok(without_secrets(Config::from_env()?))
}

/// The state of a deployed function that reads the stream or the queue; its queue must be set.
pub fn queue_app() -> Result<App, ConfigError> {
    logging::init_json();
    let config = Config::from_env()?;
    config.require_queue()?;
    Ok(without_secrets(config))
}

/// The state of the deployed function that serves the WebSocket API, which must be set.
pub fn sockets_app() -> Result<App, ConfigError> {
    logging::init_json();
    let config = Config::from_env()?;
    config.require_sockets()?;
    Ok(without_secrets(config))
}

/// The state of the deployed function that sends the deliveries of the queue; both queues must be set.
pub fn delivery_app() -> Result<App, ConfigError> {
    logging::init_json();
    let config = Config::from_env()?;
    config.require_queue()?;
    config.require_dead_letters()?;
    Ok(without_secrets(config))
}

/// The state of the deployed function that sends notifications; it signs, and both of its queues must be set.
pub async fn notification_app() -> Result<App, ConfigError> {
    logging::init_json();
    let config = Config::from_env()?;
    config.require_notifications()?;
    let connection = Connection::new(&config.aws);
    let secrets = secrets(&config, &connection).await?;
    Ok(deployed(config, &connection, secrets))
}

/// A response that goes to API Gateway as base64, whatever its media type. As text it would be
/// decoded on the way, which corrupts files, and JSON escapes would let it grow by an unknown
/// factor. Base64 adds exactly a third.
pub struct BufferedResponse(Response<lambda_http::Body>);

impl lambda_http::IntoResponse for BufferedResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<lambda_http::Body>> + Send>> {
        Box::pin(std::future::ready(self.0))
    }
}

/// The secrets of a function that has some. It does not start without them.
async fn secrets(config: &Config, connection: &Connection) -> Result<ServerSecrets, ConfigError> {
    match &config.secrets {
        SecretSource::None => Ok(ServerSecrets::default()),
        SecretSource::Environment(secrets) => Ok(secrets.clone()),
        SecretSource::Parameter(name) => {
            let list = parameter_store::read(&config.aws, connection, name).await?;
            ServerSecrets::parse(&list).ok_or_else(|| ConfigError::InvalidParameter(name.clone()))
        }
    }
}

/// The state of a deployed function that neither signs nor encrypts.
fn without_secrets(config: Config) -> App {
    let connection = Connection::new(&config.aws);
    deployed(config, &connection, ServerSecrets::default())
}

/// The state of a deployed function.
fn deployed(config: Config, connection: &Connection, secrets: ServerSecrets) -> App {
    let clients = Clients::deployed(&config.aws, connection);
    // Lambda freezes or ends a sandbox without notice, so nothing ever sets `closing`.
    let long_polls =
        LongPolls::new(config.max_wait, watch::channel(false).1).limited(config.limits.waits_per_user, None);
    let app = App::new(&clients, &config.table, &config.bucket, Clock::system(), long_polls, secrets)
        .limited(Limits::new(&config.limits))
        .keeping_history(config.history_lifetime);
    let plugins = config.plugins.as_deref().map(PluginNames::installed).unwrap_or_default();
    let sockets =
        config.sockets.as_deref().map(|endpoint| SocketGateway::new(connection.clone(), &config.aws.region, endpoint));
    let ses = || Ses::new(&config.aws, connection.clone(), config.mail_configuration_set);
    let mailer = config.mail_from.as_deref().and_then(|from| Mailer::new(from, ses())).unwrap_or_default();
    let app = App { cors: config.cors, plugins, sockets, mailer, ..app };
    let app = match config.url {
        Some(url) => App { contact: url.into(), ..app },
        None => app,
    };
    let set = |app: App, url: Option<String>, set: fn(App, &str) -> App| match url {
        Some(url) => set(app, &url),
        None => app,
    };
    let app = set(app, config.queue, App::on_queue);
    let app = set(app, config.dead_letters, App::with_dead_letters);
    let app = set(app, config.notifications, App::notifying_on);
    set(app, config.failed_notifications, App::with_failed_notifications)
}
