//! All functions in this process, with the state that they share.

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use placet_local::event_sources::sources::QueueUrls;
use placet_local::server;
use shared::aws::Clients;
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::http::App;
use shared::http::cors::Cors;
use shared::long_poll::LongPolls;
use shared::outbound::Outbound;
use shared::secrets::ServerSecrets;
use tokio::sync::watch;

use crate::cpu_time;
use crate::functions::{self, Function};
use crate::reply;

/// The state that all functions share, whichever clients they use.
#[derive(Clone)]
pub struct Deployment {
    pub clients: Clients,
    pub table: String,
    pub bucket: String,
    pub clock: Clock,
    waits: LongPolls,
    pub secrets: ServerSecrets,
    outbound: Outbound,
    pub queue: Option<String>,
    pub dead_letters: Option<String>,
    pub notifications: Option<String>,
    pub failed_notifications: Option<String>,
}

impl Deployment {
    /// A deployment in this process, and the sender that ends its waits.
    pub fn in_process(clients: Clients, table: &str, bucket: &str, outbound: Outbound) -> (Self, watch::Sender<bool>) {
        let (close, closing) = watch::channel(false);
        let (table, bucket) = (table.to_owned(), bucket.to_owned());
        let (clock, waits) = (Clock::adjustable(), LongPolls::new(MAX_WAIT, closing));
        (
            Self {
                clients,
                table,
                bucket,
                clock,
                waits,
                secrets: secrets(),
                outbound,
                queue: None,
                dead_letters: None,
                notifications: None,
                failed_notifications: None,
            },
            close,
        )
    }

    pub fn app_on(&self, clients: &Clients) -> App {
        let (clock, waits) = (self.clock.clone(), self.waits.clone());
        let app = App::new(clients, &self.table, &self.bucket, clock, waits, self.secrets.clone());
        let app = App { outbound: self.outbound.clone(), cors: Cors::any(), ..app };
        let set = |app: App, url: &Option<String>, set: fn(App, &str) -> App| match url {
            Some(url) => set(app, url),
            None => app,
        };
        let app = set(app, &self.queue, App::on_queue);
        let app = set(app, &self.dead_letters, App::with_dead_letters);
        let app = set(app, &self.notifications, App::notifying_on);
        set(app, &self.failed_notifications, App::with_failed_notifications)
    }

    /// Uses these queues.
    pub fn on_queues(&mut self, urls: &QueueUrls) {
        self.queue = Some(urls.deliveries.clone());
        self.dead_letters = Some(urls.failed_deliveries.clone());
        self.notifications = Some(urls.notifications.clone());
        self.failed_notifications = Some(urls.failed_notifications.clone());
    }

    /// The state of one function, restricted to its permissions.
    pub fn function(&self, name: &str) -> App {
        let function = Function::named(name);
        function.with_its_secrets(self.app_on(&function.restrict(&self.clients)))
    }

    /// Serves the routes; returns their URL.
    pub async fn serve(&self) -> String {
        listen(functions::service(&self.clients, &|clients| self.app_on(clients))).await
    }
}

/// Serves on a free port until the test's runtime ends; returns the URL.
pub async fn listen(service: Router) -> String {
    let listener = server::bind([127, 0, 0, 1].into(), 0).await.expect("a free port");
    let url = server::url(&listener).expect("the port's address");
    // In tests, the cost of a request is returned in headers.
    let service = service.layer(axum::middleware::from_fn(async |request: Request, next: Next| {
        let (response, cpu) = cpu_time::measure(next.run(request)).await;
        reply::with_cost_headers(response, cpu)
    }));
    let never = watch::channel(false);
    tokio::spawn(async move {
        let _open = never.0;
        server::serve(listener, server::finishing(service), never.1).await
    });
    url
}

/// The server secrets of every test, as a setting.
pub const SECRETS: &str = "the_secret_of_the_services_under_test";

/// The server secret of every test.
pub fn secrets() -> ServerSecrets {
    ServerSecrets::parse(SECRETS).expect("long enough")
}
