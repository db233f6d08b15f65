//! The state of every router.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::SET_COOKIE;
use ::http::{HeaderMap, HeaderValue};
use axum::extract::FromRef;

use crate::aws::queue::Queue;
use crate::aws::{Clients, SocketGateway};
use crate::caller::{AgentCaller, HumanCaller};
use crate::clock::Clock;
use crate::error::Error;
use crate::http::cors::Cors;
use crate::http::site::Site;
use crate::ids::{MaybeChannel, MessageId, UserId};
use crate::limits::Limits;
use crate::long_poll::LongPolls;
use crate::mail::Mailer;
use crate::models::{Answer, CancelReview, Message, PluginNames, Surface};
use crate::outbound::Outbound;
use crate::secrets::{Device, ServerSecrets};
use crate::storage::{self, Blobs, Channel, Store, Table};
use crate::web_push::{self, PushAnswer, PushMessage, Sender};

/// The contact of a service whose address nobody else can reach.
const NO_CONTACT: &str = "mailto:nobody@placet.invalid";

/// The origin of links of a service that does not know its own.
const UNKNOWN_ORIGIN: &str = "http://localhost";

/// The state of every router. Clones share their clients: they are made once per process.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub blobs: Blobs,
    pub clock: Clock,
    pub long_polls: LongPolls,
    /// None in functions that neither sign nor encrypt.
    pub secrets: ServerSecrets,
    pub outbound: Outbound,
    /// The queue of deliveries to webhooks.
    pub queue: Queue,
    /// The queue of notifications; unset in a deployment that sends none.
    pub notifications: Queue,
    /// Sends e-mails; off in a deployment that sends none.
    pub mailer: Mailer,
    /// Whom the operator of a push service can ask about our requests: an `https:` or `mailto:` URL.
    pub contact: Arc<str>,
    pub site: Site,
    pub cors: Cors,
    pub plugins: PluginNames,
    /// The connections of the WebSocket API, where there is one.
    pub sockets: Option<SocketGateway>,
}

impl App {
    /// The state over these clients; limits, queue and origins are set by the methods below.
    pub fn new(
        clients: &Clients,
        table: &str,
        bucket: &str,
        clock: Clock,
        long_polls: LongPolls,
        secrets: ServerSecrets,
    ) -> Self {
        let blobs = Blobs::new(clients.s3.clone(), bucket);
        Self {
            store: Store::new(Table::new(clients.dynamodb.clone(), table), blobs.clone(), clock.clone()),
            blobs,
            clock,
            long_polls,
            secrets,
            outbound: Outbound::default(),
            queue: Queue::unset(clients.sqs.clone()),
            notifications: Queue::unset(clients.sqs.clone()),
            mailer: Mailer::default(),
            contact: NO_CONTACT.into(),
            site: Site::default(),
            cors: Cors::default(),
            plugins: PluginNames::default(),
            sockets: None,
        }
    }

    /// The same with these limits.
    pub fn limited(self, limits: Limits) -> Self {
        Self { store: self.store.limited(limits), ..self }
    }

    /// The same, with the history of deleted messages kept for this long.
    pub fn keeping_history(self, lifetime: Duration) -> Self {
        Self { store: self.store.keeping_history(lifetime), ..self }
    }

    /// The same with the queue of notifications at this URL.
    pub fn notifying_on(self, url: &str) -> Self {
        Self { notifications: self.notifications.at(url), ..self }
    }

    /// The same with the dead-letter queue of notifications at this URL.
    pub fn with_failed_notifications(self, url: &str) -> Self {
        Self { notifications: self.notifications.with_dead_letters(url), ..self }
    }

    /// An error for deployments that send no notifications.
    pub fn require_notifications(&self) -> Result<(), Error> {
        if self.notifications.is_set() { Ok(()) } else { Err(Error::NotificationsOff) }
    }

    /// An error for deployments that send no e-mails.
    pub fn require_mail(&self) -> Result<(), Error> {
        self.require_notifications()?;
        if self.mailer.is_on() { Ok(()) } else { Err(Error::MailOff) }
    }

    /// The URL of a page, for links that are sent to people.
    pub fn page_url(&self, path: &str) -> String {
        let of_contact = || Some(self.contact.to_string()).filter(|contact| contact.starts_with("http"));
        let origin = self.site.link_origin().or_else(of_contact).unwrap_or_else(|| UNKNOWN_ORIGIN.to_owned());
        format!("{}{path}", origin.trim_end_matches('/'))
    }

    /// Ends a connection of the WebSocket API.
    pub async fn end_socket(&self, id: &str) -> Result<(), Error> {
        if let Some(gateway) = &self.sockets {
            gateway.disconnect(id).await?;
        }
        self.store.sockets().close(id).await
    }

    /// Sends a message to one of a person's devices once. A device whose subscription has ended is removed.
    pub async fn send_push(
        &self,
        user: UserId,
        device: &storage::Device,
        message: &PushMessage,
    ) -> Result<PushAnswer, Error> {
        let notifications = self.store.notifications();
        let answer = match self.secrets.vapid_key(&device.vapid_key)? {
            Some(key) => {
                let sender = Sender { outbound: &self.outbound, key: &key, contact: &self.contact };
                web_push::send(&sender, &device.subscription, message, self.clock.now()).await?
            }
            // The secret that the browser was subscribed under is gone: its push service refuses every other key.
            None => PushAnswer::Gone(None),
        };
        match answer {
            PushAnswer::Accepted(_) => notifications.record_use(user, device).await?,
            PushAnswer::Gone(_) => notifications.forget_device(user, device).await?,
            _ => {}
        }
        Ok(answer)
    }

    /// Stores an answer and gives it to the long polls of this process that wait for it.
    pub async fn answer(
        &self,
        human: &HumanCaller,
        id: MessageId,
        answer: Answer,
        surface: Surface,
    ) -> Result<Message, Error> {
        let answered = self.store.reviews().answer(human, id, answer, (surface, self.secrets.current()?)).await?;
        let waited_seconds = self.clock.now().epoch_seconds() - answered.created_at.epoch_seconds();
        tracing::info!(waited_seconds, "review answered");
        self.long_polls.notify(&answered);
        Ok(answered)
    }

    /// Cancels a review and gives it to the long polls of this process that wait for it.
    pub async fn cancel(
        &self,
        agent: &AgentCaller,
        channel: MaybeChannel,
        id: MessageId,
        cancel: CancelReview,
    ) -> Result<Message, Error> {
        let cancelled = self.store.reviews().cancel(agent, channel, id, cancel).await?;
        self.long_polls.notify(&cancelled);
        Ok(cancelled)
    }

    /// Gives a message whose review another one superseded to the long polls of this process that wait for it. It is
    /// read only if there are any; if the read fails, they find it at their next one.
    pub async fn notify_superseded(&self, channel: &Channel, id: MessageId) {
        if self.long_polls.is_awaited(id)
            && let Ok(Some(message)) = self.store.messages().poll(channel, id, true).await
        {
            self.long_polls.notify(&message);
        }
    }

    /// Sets the device cookie in the response to `request`.
    pub fn remember(&self, device: &Device, request: &HeaderMap, response: &mut HeaderMap) -> Result<(), Error> {
        let cookie = device.cookie(request, self.secrets.current()?, self.clock.now());
        response.append(SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
        Ok(())
    }

    /// The same with the queue of deliveries at this URL.
    pub fn on_queue(self, url: &str) -> Self {
        Self { queue: self.queue.at(url), ..self }
    }

    /// The same with the dead-letter queue of deliveries at this URL.
    pub fn with_dead_letters(self, url: &str) -> Self {
        Self { queue: self.queue.with_dead_letters(url), ..self }
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
