//! The service under test. `PLACET_TEST_ENGINE` says on which engines: `embedded` (fresh ones per
//! test), or the URL of an emulator. All routers run in this process, unless `PLACET_TEST_GATEWAY`
//! is the URL of an API gateway on that emulator: then the service is what was deployed there.

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use axum::Router;
use placet_local::engines::in_process::InProcess;
use placet_local::engines::stream_retention::StreamRetention;
use placet_local::engines::{BUCKET, DATABASE, Engines, TABLE};
use placet_local::event_sources::Workers;
use placet_local::event_sources::sources::{EventSources, QueueUrls};
use placet_local::event_sources::write_notifier::WriteNotifier;
use placet_local::runner::background;
use placet_local::sqs::sqlite::QueueDb;
use shared::app::App;
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::models::Role;
use shared::models::account::Email;
use shared::outbound::Outbound;
use shared::secrets::{Password, hex, random};
use shared::server_secret::ServerSecret;
use shared::storage::{Clients, Endpoints, schema};
use shared::waiting::Waits;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::actors::Person;
use crate::deployment::{self, Deployment};
use crate::engine_port;

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
    /// Notified of what the service writes.
    pub write_notifier: WriteNotifier,
    /// Ends every wait early, as a stopping runner does.
    pub close: watch::Sender<bool>,
    engines: Option<Engines>,
    /// What is kept on the disk of this test alone.
    dir: TempDir,
    workers: Workers,
    deployment: Deployment,
}

impl World {
    /// On the engine that the environment names.
    pub async fn start() -> Self {
        match gateway() {
            Some(url) => Self::deployed(url).await,
            None => Self::on_engine(engine(), NAME, Outbound::default()).await,
        }
    }

    /// The same with a table that no other test uses: for what a whole deployment shares.
    pub async fn isolated() -> Self {
        assert_eq!(gateway(), None, "there is one deployment, for all tests: list this one in tests/sam/skipped.txt");
        Self::on_engine(engine(), &own_name(), Outbound::default()).await
    }

    pub async fn embedded() -> Self {
        Self::on_engine(None, NAME, Outbound::default()).await
    }

    /// One alone that brings what is decided to webhooks, also to those on this machine.
    pub async fn delivering() -> Self {
        assert_eq!(gateway(), None, "what is deployed calls no webhooks here: list this one in tests/sam/skipped.txt");
        let mut world = Self::on_engine(engine(), &own_name(), Outbound::new(true)).await;
        let (sources, urls) = world.sources().await;
        world.deployment.queue = Some(urls.deliveries);
        let (events, webhooks) = (world.function("events"), world.function("webhooks"));
        background::start_functions(&mut world.workers, &events, &webhooks, sources);
        world
    }

    /// On a LocalStack, or on embedded engines of its own.
    async fn on_engine(localstack: Option<String>, table: &str, outbound: Outbound) -> Self {
        match localstack {
            Some(url) => Self::on_localstack(&url, table, outbound).await,
            None => Self::on_embedded(outbound).await,
        }
    }

    async fn on_embedded(outbound: Outbound) -> Self {
        let dir = directory();
        let engines = Engines::start(dir.path()).await.expect("the embedded engines start");
        let clients = engines.clients().await.expect("a table");
        let (mut deployment, close) = Deployment::in_process(clients, TABLE, BUCKET, outbound);
        deployment.queue = Some(engines.queue_urls().deliveries);
        let (endpoints, write_notifier) = (engines.endpoints.clone(), engines.write_notifier.clone());
        let world = Self::assemble(deployment.serve().await, deployment, endpoints, close).await;
        Self { engines: Some(engines), write_notifier, dir, ..world }
    }

    async fn on_localstack(url: &str, table: &str, outbound: Outbound) -> Self {
        let endpoints = emulator(url);
        let write_notifier = WriteNotifier::default();
        let mut clients = Clients::at(&endpoints).await;
        clients.dynamodb = write_notifier.observe(&clients.dynamodb);
        schema::create(&clients.dynamodb, table).await.expect("a table on LocalStack");
        // There already when another test was first: then it is the same bucket.
        let made = clients.s3.create_bucket().bucket(NAME).send().await;
        if let Err(err) = &made {
            let owned = err.as_service_error().is_some_and(|it| it.is_bucket_already_owned_by_you());
            assert!(owned, "a bucket on LocalStack: {err:?}");
        }
        let (deployment, close) = Deployment::in_process(clients, table, NAME, outbound);
        let world = Self::assemble(deployment.serve().await, deployment, endpoints, close).await;
        Self { write_notifier, ..world }
    }

    /// What was deployed, and clients to look past it.
    async fn deployed(url: String) -> Self {
        let set = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} belongs to PLACET_TEST_GATEWAY"));
        let endpoints = emulator(&set("PLACET_TEST_ENGINE"));
        let clients = Clients::at(&endpoints).await;
        let (table, bucket) = (set("PLACET_TEST_TABLE"), set("PLACET_TEST_BUCKET"));
        let (mut deployment, close) = Deployment::in_process(clients, &table, &bucket, Outbound::default());
        deployment.clock = Clock::system();
        deployment.secret = ServerSecret::new(&set("PLACET_TEST_SECRET")).expect("long enough");
        Self::assemble(url, deployment, endpoints, close).await
    }

    async fn assemble(url: String, deployment: Deployment, endpoints: Endpoints, close: watch::Sender<bool>) -> Self {
        let clients = Clients::at(&endpoints).await;
        Self {
            url,
            app: deployment.app_on(&deployment.clients),
            sqs: (*clients.sqs).clone(),
            clients,
            table: deployment.table.clone(),
            endpoints,
            write_notifier: WriteNotifier::default(),
            close,
            engines: None,
            dir: directory(),
            workers: Workers::default(),
            deployment,
        }
    }

    /// The state of one of the functions, with no more than its permissions.
    pub fn function(&self, name: &str) -> App {
        self.deployment.function(name)
    }

    /// The embedded engines as the SDK's clients reach them, if those are the engines.
    pub fn in_process(&self) -> Option<&InProcess> {
        self.engines.as_ref().map(|engines| &engines.in_process)
    }

    /// The engines where another process, or a proxy, can connect to them.
    pub async fn endpoints_over_tcp(&self) -> Endpoints {
        let Some(engines) = &self.engines else { return self.endpoints.clone() };
        let url = engine_port::serve(engines.in_process.clone()).await;
        let (dynamodb, s3, sqs) = (url.clone(), url.clone(), url);
        Endpoints { dynamodb, s3, sqs, in_process: None, ..self.endpoints.clone() }
    }

    /// The embedded table's stream, if that is the engine.
    pub fn stream_retention(&self) -> Option<&StreamRetention> {
        self.engines.as_ref().map(|engines| &engines.stream_retention)
    }

    /// Its stream and a queue of its own, and the URLs of that and of the set-aside events.
    pub async fn sources(&self) -> (EventSources, QueueUrls) {
        let urls = match &self.engines {
            Some(engines) => engines.queue_urls(),
            None => QueueUrls { deliveries: self.queue(&[]).await, failed_events: self.queue(&[]).await },
        };
        let (file, write_notifier) = (self.queue_db(), self.write_notifier.clone());
        let found =
            EventSources::connect(&self.endpoints, &self.clients, &self.table, urls.clone(), file, write_notifier);
        (found.await.expect("a stream"), urls)
    }

    /// The database of the queues and the stream checkpoints.
    pub fn queue_db(&self) -> QueueDb {
        match &self.engines {
            Some(engines) => engines.queue_db.clone(),
            None => QueueDb::open(self.dir.path()).expect("a file"),
        }
    }

    /// A queue of this test's own, by its URL.
    pub async fn queue(&self, attributes: &[(QueueAttributeName, &str)]) -> String {
        let mut request = self.sqs.create_queue().queue_name(own_name());
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        request.send().await.expect("a queue").queue_url.expect("its URL")
    }

    /// Serves other routes beside this world's, on the same storage; gives their URL.
    pub async fn serve_also(&self, routes: Router<App>, app: App) -> String {
        deployment::listen(shared::http::service(routes, app)).await
    }

    /// All routes once more, on the same storage and with nothing else in common, as one of
    /// Lambda's functions is to another; gives their URL.
    pub async fn second_instance(&self) -> String {
        let waits = Waits::new(MAX_WAIT, watch::channel(false).1);
        self.serve_also(placet_local::routes(), App { waits, ..self.app.clone() }).await
    }

    /// The file of the embedded database, if that is the engine.
    pub fn database(&self) -> Option<PathBuf> {
        self.engines.as_ref().map(|_| self.dir.path().join(DATABASE))
    }

    /// The embedded engine itself, past its interface.
    pub fn embedded_engine(&self) -> Option<&dynoxide::Database> {
        self.engines.as_ref().map(|engines| &engines.dynamodb)
    }

    /// The bucket; LocalStack's tests share one.
    pub fn bucket(&self) -> &str {
        &self.deployment.bucket
    }

    /// Moves the service's clock.
    pub fn advance_clock(&self, span: Duration) {
        assert_eq!(gateway(), None, "a deployed clock cannot be moved: list this test in tests/sam/skipped.txt");
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
        self.create_account_as(&email, &password, role).await;
        let person = Person::signed_out(&self.url, &email, &password);
        person.sign_in().await.expect(200);
        person
    }

    /// Makes an account.
    pub async fn create_account(&self, email: &str, password: &str) {
        self.create_account_as(email, password, Role::Owner).await;
    }

    pub(crate) async fn create_account_as(&self, email: &str, password: &str, role: Role) {
        let email = Email::checked(email).expect("an address");
        let made = self.app.store.create_user(&email, Password::new(password.to_owned()), "A person", role).await;
        made.expect("storage works").expect("the address is free");
    }
}

/// The URL of the LocalStack that the environment names, if it names one.
fn engine() -> Option<String> {
    std::env::var("PLACET_TEST_ENGINE").ok().filter(|engine| engine != "embedded")
}

/// The URL of the API gateway that the environment names, if it names one.
fn gateway() -> Option<String> {
    std::env::var("PLACET_TEST_GATEWAY").ok()
}

fn emulator(url: &str) -> Endpoints {
    Endpoints {
        dynamodb: url.to_owned(),
        s3: url.to_owned(),
        sqs: url.to_owned(),
        access_key: "test".to_owned(),
        secret_key: "test".to_owned(),
        in_process: None,
    }
}

fn own_name() -> String {
    format!("{NAME}-{}", hex(&random::<8>()))
}

fn directory() -> TempDir {
    TempDir::with_prefix("placet-test-").expect("a temporary directory")
}
