//! What every handler is given, and how a Lambda function starts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{Request, Response};
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
use crate::error::Error;
use crate::ids::MessageId;
use crate::meter::Beside;
use crate::models::{Answer, Message};
use crate::outbound::Outbound;
use crate::queue::Queue;
use crate::server_secret::ServerSecret;
use crate::storage::{Blobs, Clients, Store};
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
}

/// How long waits may hold, and whether they should come back early.
#[derive(Clone, Debug)]
pub struct Waits {
    pub max: Duration,
    closing: watch::Receiver<bool>,
    /// What a decision wakes: the messages that somebody waits for.
    nudges: Arc<Mutex<HashMap<MessageId, watch::Sender<()>>>>,
}

/// Tells a wait that this process decided on its message.
pub struct Nudged {
    waits: Waits,
    message: MessageId,
    heard: watch::Receiver<()>,
}

impl Nudged {
    /// Ends when there was a decision since the last time.
    pub async fn heard(&mut self) {
        if self.heard.changed().await.is_err() {
            // It was told, and told of nothing else to come.
            std::future::pending().await
        }
    }
}

impl Drop for Nudged {
    fn drop(&mut self) {
        let mut nudges = self.waits.nudges();
        // Its own is still counted.
        if nudges.get(&self.message).is_some_and(|it| it.receiver_count() == 1) {
            nudges.remove(&self.message);
        }
    }
}

impl Waits {
    pub fn new(max: Duration, closing: watch::Receiver<bool>) -> Self {
        Self { max, closing, nudges: Arc::default() }
    }

    /// Has the waits of this process that are for this message look at once. Others find out by
    /// themselves, a little later.
    pub fn nudge(&self, message: MessageId) {
        if let Some(waiting) = self.nudges().get(&message) {
            waiting.send_replace(());
        }
    }

    pub fn nudged(&self, message: MessageId) -> Nudged {
        let heard = self.nudges().entry(message).or_default().subscribe();
        Nudged { waits: self.clone(), message, heard }
    }

    fn nudges(&self) -> MutexGuard<'_, HashMap<MessageId, watch::Sender<()>>> {
        // The map is whole even if a thread ended while it held it.
        self.nudges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once the process is about to stop; never, if nobody will say so.
    pub async fn closing(&self) {
        if self.closing.clone().wait_for(|closing| *closing).await.is_err() {
            std::future::pending().await
        }
    }
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
        }
    }

    /// Stores an answer. Whoever waits for it in this process looks at once.
    pub async fn answer(&self, human: &HumanCaller, id: Option<MessageId>, answer: Answer) -> Result<Message, Error> {
        let answered = self.store.answer(human, id, answer).await?;
        self.waits.nudge(answered.id);
        Ok(answered)
    }

    /// The same with the queue of deliveries at this URL.
    pub fn on_queue(self, url: &str) -> Self {
        Self { queue: self.queue.at(url), ..self }
    }

    /// The state of a deployed function.
    fn deployed(config: Config) -> Self {
        let clients = Clients::deployed(&config.aws);
        // A function is frozen or ended from outside: nobody announces its closing.
        let waits = Waits::new(config.max_wait, watch::channel(false).1);
        let app = Self::new(&clients, &config.table, &config.bucket, Clock::system(), waits, config.secret);
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
