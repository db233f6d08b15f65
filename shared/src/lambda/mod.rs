//! How a deployed function starts: logging, settings and clients, once per sandbox.
//!
//! - [`gateway_event`]: what it is handed over of a request

mod gateway_event;

use std::convert::Infallible;
use std::pin::Pin;

use ::http::{Request, Response};
use axum::body::HttpBody as Body;
use axum::{BoxError, Router};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected};
use tokio::sync::watch;
use tower::{Service, ServiceExt};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::http::{self, App};
use crate::limits::Limits;
use crate::long_poll::LongPolls;
use crate::storage::Clients;
use crate::telemetry::cost::BackgroundTasks;
use crate::telemetry::logging;

/// Runs a deployed function: logging, settings and clients, then its routes, until Lambda ends it.
pub async fn run(routes: Router<App>) -> Result<(), lambda_http::Error> {
    let adapter = lambda_http::Adapter::from(service(routes)?);
    lambda_http::lambda_runtime::run_concurrent(adapter.map_request(gateway_event::readable)).await
}

/// Responses are whole: Lambda sends nothing before the end.
fn service<B>(
    routes: Router<App>,
) -> Result<
    impl Service<Request<B>, Response = BufferedResponse, Error = Infallible, Future: Send> + Clone + Send,
    ConfigError,
>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    logging::to_json();
    let router = http::service(routes, deployed(Config::from_env()?));
    Ok(ServiceExt::<Request<B>>::and_then(router, async |response: axum::response::Response| {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        // The sandbox is frozen once the answer is out.
        if let Some(beside) = parts.extensions.get::<BackgroundTasks>() {
            beside.clone().ended().await;
        }
        Ok(BufferedResponse(Response::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()))))
    }))
}

/// The start of a deployed function that no request calls.
pub fn scheduled() -> Result<App, ConfigError> {
    logging::to_json();
    Ok(deployed(Config::from_env()?))
}

/// The start of a deployed function that works off the stream or the queue.
pub fn worker() -> Result<App, ConfigError> {
    logging::to_json();
    let config = Config::from_env()?;
    config.demand_queue()?;
    Ok(deployed(config))
}

/// The start of the deployed function that sends the queue's deliveries.
pub fn delivery_worker() -> Result<App, ConfigError> {
    logging::to_json();
    let config = Config::from_env()?;
    config.demand_queue()?;
    config.demand_dead_letters()?;
    Ok(deployed(config))
}

/// A response that goes to API Gateway as bytes, whatever its type: sent as text it would be
/// decoded on the way, which changes files, and grow by what JSON escapes, which nobody can
/// foresee. As bytes it grows by a third.
pub struct BufferedResponse(Response<lambda_http::Body>);

impl lambda_http::IntoResponse for BufferedResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<lambda_http::Body>> + Send>> {
        Box::pin(std::future::ready(self.0))
    }
}

/// The state of a deployed function.
fn deployed(config: Config) -> App {
    let clients = Clients::deployed(&config.aws);
    // A function is frozen or ended from outside: nobody announces its closing.
    let waits = LongPolls::new(config.max_wait, watch::channel(false).1).limited(config.limits.waits_per_user, None);
    let app = App::new(&clients, &config.table, &config.bucket, Clock::system(), waits, config.secret)
        .limited(Limits::new(&config.limits));
    let app = App { cors: config.cors, ..app };
    let app = match config.queue {
        Some(url) => app.on_queue(&url),
        None => app,
    };
    match config.dead_letters {
        Some(url) => app.with_dead_letters(&url),
        None => app,
    }
}
