//! The state of every router.

use ::http::header::SET_COOKIE;
use ::http::{HeaderMap, HeaderValue};
use axum::extract::FromRef;

use crate::caller::HumanCaller;
use crate::clock::Clock;
use crate::error::Error;
use crate::http::cors::Cors;
use crate::http::site::Site;
use crate::ids::MessageId;
use crate::limits::Limits;
use crate::long_poll::LongPolls;
use crate::models::{Answer, Message};
use crate::outbound::Outbound;
use crate::queue::Queue;
use crate::secrets::{Device, ServerSecret};
use crate::storage::{Blobs, Clients, Store, Table};

/// The state of every router. Clones share their clients: they are made once per process.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub blobs: Blobs,
    pub clock: Clock,
    pub waits: LongPolls,
    pub secret: ServerSecret,
    pub outbound: Outbound,
    pub queue: Queue,
    pub site: Site,
    pub cors: Cors,
}

impl App {
    pub fn new(
        clients: &Clients,
        table: &str,
        bucket: &str,
        clock: Clock,
        waits: LongPolls,
        secret: ServerSecret,
    ) -> Self {
        let blobs = Blobs::new(clients.s3.clone(), bucket);
        Self {
            store: Store::new(Table::new(clients.dynamodb.clone(), table), blobs.clone(), clock.clone()),
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
    pub async fn answer(&self, human: &HumanCaller, id: MessageId, answer: Answer) -> Result<Message, Error> {
        let answered = self.store.reviews().answer(human, id, answer).await?;
        self.waits.notify(&answered);
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
