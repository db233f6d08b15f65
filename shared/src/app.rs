//! What every handler is given, and how a Lambda function starts.

use std::convert::Infallible;
use std::pin::Pin;

use ::http::header::SET_COOKIE;
use ::http::{HeaderMap, HeaderValue, Request, Response};
use axum::body::HttpBody as Body;
use axum::extract::FromRef;
use axum::{BoxError, Router};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected};
use tokio::sync::watch;
use tower::{Service, ServiceExt};

use crate::auth::HumanCaller;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::cors::Cors;
use crate::device_cookie::Device;
use crate::error::Error;
use crate::ids::MessageId;
use crate::limits::Limits;
use crate::meter::Beside;
use crate::models::{Answer, Message};
use crate::outbound::Outbound;
use crate::queue::Queue;
use crate::server_secret::ServerSecret;
use crate::site::Site;
use crate::storage::{Blobs, Clients, Store};
use crate::waiting::Waits;
use crate::{http, logs};

/// The state of every router. Clones share their clients: they are made once per process.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub blobs: Blobs,
    pub clock: Clock,
    pub waits: Waits,
    pub secret: ServerSecret,
    pub outbound: Outbound,
    pub queue: Queue,
    pub site: Site,
    pub cors: Cors,
}

impl App {
    pub fn new(clients: &Clients, table: &str, bucket: &str, clock: Clock, waits: Waits, secret: ServerSecret) -> Self {
        let blobs = Blobs::new(clients.s3.clone(), bucket);
        Self {
            store: Store::new(clients.dynamodb.clone(), table, blobs.clone(), clock.clone()),
            blobs,
            clock,
            waits,
            secret,
            outbound: Outbound::default(),
            queue: Queue::unset(clients.sqs.clone()),
            site: Site::default(),
            cors: Cors::default(),
        }
    }

    /// The same with these limits.
    pub fn limited(self, limits: Limits) -> Self {
        Self { store: self.store.limited(limits), ..self }
    }

    /// Stores an answer. Whoever waits for it in this process has it at once.
    pub async fn answer(&self, human: &HumanCaller, id: Option<MessageId>, answer: Answer) -> Result<Message, Error> {
        let answered = self.store.answer(human, id, answer).await?;
        self.waits.tell(&answered);
        Ok(answered)
    }

    /// Has the browser that sent `request` keep its device cookie.
    pub fn remember(&self, device: &Device, request: &HeaderMap, response: &mut HeaderMap) -> Result<(), Error> {
        let cookie = device.cookie(request, &self.secret, self.clock.now());
        response.append(SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
        Ok(())
    }

    /// The same with the queue of deliveries at this URL.
    pub fn on_queue(self, url: &str) -> Self {
        Self { queue: self.queue.at(url), ..self }
    }

    /// The state of a deployed function.
    fn deployed(config: Config) -> Self {
        let clients = Clients::deployed(&config.aws);
        // A function is frozen or ended from outside: nobody announces its closing.
        let waits = Waits::new(config.max_wait, watch::channel(false).1).limited(config.limits.waits_per_user, None);
        let app = Self::new(&clients, &config.table, &config.bucket, Clock::system(), waits, config.secret)
            .limited(Limits::new(&config.limits));
        let app = Self { cors: config.cors, ..app };
        match config.queue {
            Some(url) => app.on_queue(&url),
            None => app,
        }
    }
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.store.clone()
    }
}

impl FromRef<App> for Outbound {
    fn from_ref(app: &App) -> Self {
        app.outbound.clone()
    }
}

impl FromRef<App> for Blobs {
    fn from_ref(app: &App) -> Self {
        app.blobs.clone()
    }
}

/// A deployed function's start: logs, settings and clients, then its routes ready to serve.
/// Responses are whole: Lambda sends nothing before the end.
pub fn lambda<B>(
    routes: Router<App>,
) -> Result<impl Service<Request<B>, Response = Whole, Error = Infallible, Future: Send> + Clone + Send, ConfigError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    logs::to_json();
    let router = http::service(routes, App::deployed(Config::from_env()?));
    Ok(ServiceExt::<Request<B>>::and_then(router, async |response: axum::response::Response| {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        // The sandbox is frozen once the answer is out.
        if let Some(beside) = parts.extensions.get::<Beside>() {
            beside.clone().ended().await;
        }
        Ok(Whole(Response::from_parts(parts, lambda_http::Body::Binary(bytes.to_vec()))))
    }))
}

/// The start of a deployed function that no request calls.
pub fn scheduled() -> Result<App, ConfigError> {
    logs::to_json();
    Ok(App::deployed(Config::from_env()?))
}

/// The start of a deployed function that works off the stream or the queue.
pub fn worker() -> Result<App, ConfigError> {
    logs::to_json();
    let config = Config::from_env()?;
    config.demand_queue()?;
    Ok(App::deployed(config))
}

/// A response that goes to API Gateway as bytes, whatever its type: sent as text it would be
/// decoded on the way, which changes files, and grow by what JSON escapes, which nobody can
/// foresee. As bytes it grows by a third.
pub struct Whole(Response<lambda_http::Body>);

impl lambda_http::IntoResponse for Whole {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<lambda_http::Body>> + Send>> {
        Box::pin(std::future::ready(self.0))
    }
}
