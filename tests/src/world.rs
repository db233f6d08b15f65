//! The service under test: all routers in this process, on real engines. `PLACET_TEST_ENGINE`
//! says which: `embedded` (a fresh one per test), or the URL of a LocalStack.

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use axum::Router;
use axum::response::Response;
use placet_local::durable::Durable;
use placet_local::engines::{DATABASE, Engines, TABLE};
use placet_local::mappings::writes::Writes;
use placet_local::mappings::{sqs_client, streams_client};
use placet_local::server;
use placet_local::stream_log::StreamLog;
use shared::app::{App, Waits};
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::models::Role;
use shared::models::account::Email;
use shared::secrets::{Password, hex, random};
use shared::server_secret::ServerSecret;
use shared::storage::{Clients, Endpoints, schema};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::actors::Person;
use crate::reply;

const NAME: &str = "placet-test";

/// One test's service; it ends with the test's runtime.
pub struct World {
    pub url: String,
    pub app: App,
    /// The engines' own interface, past the service, and the table in it.
    pub clients: Clients,
    pub endpoints: Endpoints,
    pub table: String,
    /// The queues' own interface.
    pub sqs: aws_sdk_sqs::Client,
    /// The table's stream.
    pub streams: aws_sdk_dynamodbstreams::Client,
    /// What the service writes.
    pub writes: Writes,
    /// Ends every wait early, as a stopping runner does.
    pub close: watch::Sender<bool>,
    engines: Option<Engines>,
    /// What is kept on the disk of this test alone.
    dir: TempDir,
}

impl World {
    /// On the engine that the environment names.
    pub async fn start() -> Self {
        match std::env::var("PLACET_TEST_ENGINE").as_deref() {
            Ok("embedded") | Err(_) => Self::embedded().await,
            Ok(url) => Self::on_localstack(url, NAME).await,
        }
    }

    /// The same with a table that no other test uses: for what a whole deployment shares.
    pub async fn alone() -> Self {
        match std::env::var("PLACET_TEST_ENGINE").as_deref() {
            Ok("embedded") | Err(_) => Self::embedded().await,
            Ok(url) => Self::on_localstack(url, &format!("{NAME}-{}", hex(&random::<8>()))).await,
        }
    }

    pub async fn embedded() -> Self {
        let dir = directory();
        let engines = Engines::start(dir.path()).await.expect("the embedded engines start");
        let (close, closing) = watch::channel(false);
        let app = engines.app(Clock::adjustable(), Waits::new(MAX_WAIT, closing), secret()).await.expect("a table");
        let (endpoints, sqs, writes) = (engines.endpoints.clone(), engines.sqs.clone(), engines.writes.clone());
        let world = Self::serve(app, close, TABLE, dir, &endpoints, &sqs, writes).await;
        Self { engines: Some(engines), ..world }
    }

    async fn on_localstack(url: &str, table: &str) -> Self {
        let endpoints = Endpoints {
            dynamodb: url.to_owned(),
            s3: url.to_owned(),
            sqs: url.to_owned(),
            access_key: "test".to_owned(),
            secret_key: "test".to_owned(),
        };
        let writes = Writes::default();
        let mut clients = Clients::at(&endpoints).await;
        clients.dynamodb = writes.watch(&clients.dynamodb);
        schema::create(&clients.dynamodb, table).await.expect("a table on LocalStack");
        // There already when another test was first: then it is the same bucket.
        let made = clients.s3.create_bucket().bucket(NAME).send().await;
        if let Err(err) = &made {
            let owned = err.as_service_error().is_some_and(|it| it.is_bucket_already_owned_by_you());
            assert!(owned, "a bucket on LocalStack: {err:?}");
        }
        let (close, closing) = watch::channel(false);
        let app = App::new(&clients, table, NAME, Clock::adjustable(), Waits::new(MAX_WAIT, closing), secret());
        Self::serve(app, close, table, directory(), &endpoints, url, writes).await
    }

    async fn serve(
        app: App,
        close: watch::Sender<bool>,
        table: &str,
        dir: TempDir,
        endpoints: &Endpoints,
        sqs: &str,
        writes: Writes,
    ) -> Self {
        let clients = Clients::at(endpoints).await;
        let (sqs, streams) = (sqs_client(endpoints, &clients, sqs), streams_client(endpoints, &clients));
        let url = listen(server::service(app.clone())).await;
        Self {
            url,
            app,
            clients,
            endpoints: endpoints.clone(),
            table: table.to_owned(),
            sqs,
            streams,
            writes,
            close,
            engines: None,
            dir,
        }
    }

    /// Where the embedded queues are.
    pub fn queues_url(&self) -> &str {
        self.engines.as_ref().map(|engines| engines.sqs.as_str()).expect("the embedded engines")
    }

    /// The embedded table's stream, if that is the engine.
    pub fn stream_log(&self) -> Option<&StreamLog> {
        self.engines.as_ref().map(|engines| &engines.stream_log)
    }

    /// The file for queues and positions.
    pub fn durable(&self) -> Durable {
        match &self.engines {
            Some(engines) => engines.file.clone(),
            None => Durable::open(self.dir.path()).expect("a file"),
        }
    }

    /// A queue of this test's own, by its URL.
    pub async fn queue(&self, attributes: &[(QueueAttributeName, &str)]) -> String {
        let mut request = self.sqs.create_queue().queue_name(format!("{NAME}-{}", hex(&random::<8>())));
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        request.send().await.expect("a queue").queue_url.expect("its URL")
    }

    /// Serves other routes beside this world's, on the same storage; gives their URL.
    pub async fn beside(&self, routes: Router<App>, app: App) -> String {
        listen(shared::http::service(routes, app)).await
    }

    /// The file of the embedded database, if that is the engine.
    pub fn database(&self) -> Option<PathBuf> {
        self.engines.as_ref().map(|_| self.dir.path().join(DATABASE))
    }

    /// The bucket: the embedded engines name it as the table, LocalStack's tests share one.
    pub fn bucket(&self) -> &str {
        if self.engines.is_some() { &self.table } else { NAME }
    }

    /// Moves the service's clock.
    pub fn later(&self, span: Duration) {
        self.app.clock.advance(span);
    }

    /// A person with a fresh account, signed in.
    pub async fn person(&self) -> Person {
        self.person_as(Role::Owner).await
    }

    /// One who does not look after the deployment's people.
    pub async fn member(&self) -> Person {
        self.person_as(Role::Member).await
    }

    async fn person_as(&self, role: Role) -> Person {
        let email = format!("{}@people.example", hex(&random::<8>()));
        let password = hex(&random::<8>());
        self.account_as(&email, &password, role).await;
        let person = Person::nobody(&self.url, &email, &password);
        person.sign_in().await.expect(200);
        person
    }

    /// Makes an account.
    pub async fn account(&self, email: &str, password: &str) {
        self.account_as(email, password, Role::Owner).await;
    }

    async fn account_as(&self, email: &str, password: &str, role: Role) {
        let email = Email::checked(email).expect("an address");
        let made = self.app.store.create_user(&email, Password::new(password.to_owned()), "A person", role).await;
        made.expect("storage works").expect("the address is free");
    }
}

/// Serves on any free port until the test's runtime ends; gives the URL.
async fn listen(service: Router) -> String {
    let listener = server::bind([127, 0, 0, 1].into(), 0).await.expect("a free port");
    let url = server::url(&listener).expect("the port's address");
    // What the service knows of its cost becomes a header, in tests only.
    let service =
        service.layer(axum::middleware::map_response(async |response: Response| reply::with_cost_header(response)));
    let never = watch::channel(false);
    tokio::spawn(async move {
        let _open = never.0;
        server::serve(listener, service, never.1).await
    });
    url
}

fn directory() -> TempDir {
    TempDir::with_prefix("placet-test-").expect("a temporary directory")
}

/// The secret of every world.
pub fn secret() -> ServerSecret {
    ServerSecret::new("the secret of the services under test").expect("long enough")
}
