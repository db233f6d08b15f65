//! The service under test. `PLACET_TEST_ENGINE` selects its engines: `embedded` (new ones for each
//! test), or the URL of an emulator. All routers run in this process, unless `PLACET_TEST_GATEWAY`
//! is the URL of a deployment: then the deployed service is tested, and the engines are `aws`, as its own variables say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
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
use shared::aws::{Clients, Endpoints};
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::http::App;
use shared::long_poll::LongPolls;
use shared::models::Role;
use shared::models::account::Email;
use shared::outbound::Outbound;
use shared::secrets::Password;
use shared::secrets::ServerSecrets;
use shared::{hex, random};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::actors::{Person, random_email};
use crate::deployment::{self, Deployment};
use crate::emulator::{self, NAME};
use crate::engine_port;
use crate::functions::{DEAD_LETTERS_SUFFIX, NOTIFICATIONS_PART};

/// An item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// The service of one test; it stops with the test's runtime.
pub struct World {
    pub url: String,
    pub app: App,
    /// Clients that bypass the service, and its table.
    pub clients: Clients,
    pub endpoints: Endpoints,
    pub table: String,
    /// A client of the queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Notified of the service's writes.
    pub write_notifier: WriteNotifier,
    /// Ends every held wait, as a stopping runner does.
    pub close: watch::Sender<bool>,
    engines: Option<Engines>,
    /// The test's own directory.
    dir: TempDir,
    workers: Workers,
    deployment: Deployment,
}

impl World {
    /// Starts on the engine that the environment names.
    pub async fn start() -> Self {
        match gateway() {
            Some(url) => Self::deployed(url).await,
            None => Self::on_engine(emulator::url(), NAME, Outbound::default()).await,
        }
    }

    /// The same with its own table, for tests of data that a whole deployment shares.
    pub async fn isolated() -> Self {
        assert_eq!(gateway(), None, "all tests share one deployment: list this test in tests/sam/skipped.txt");
        Self::on_engine(emulator::url(), &unique_name(), Outbound::default()).await
    }

    /// Starts on embedded engines, whatever the environment says.
    pub async fn embedded() -> Self {
        Self::on_engine(None, NAME, Outbound::default()).await
    }

    /// An isolated world that delivers events to webhooks, including those on this machine.
    pub async fn delivering() -> Self {
        assert_eq!(
            gateway(),
            None,
            "the deployment calls no webhooks on this machine: list this test in tests/sam/skipped.txt"
        );
        let mut world = Self::on_engine(emulator::url(), &unique_name(), Outbound::new(true)).await;
        let (sources, urls) = world.sources().await;
        world.deployment.on_queues(&urls);
        let [events, webhooks, notify] = ["events", "webhooks", "notify"].map(|name| world.function(name));
        let sockets = Default::default();
        background::start_functions(&mut world.workers, (&events, sockets), &webhooks, &notify, sources);
        world
    }

    /// Starts on LocalStack, or on its own embedded engines.
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
        deployment.on_queues(&engines.queue_urls());
        let (endpoints, write_notifier) = (engines.endpoints.clone(), engines.write_notifier.clone());
        let clients = Clients::at(&endpoints).await;
        let world = Self::assemble(deployment.serve().await, deployment, endpoints, clients, close);
        Self { engines: Some(engines), write_notifier, dir, ..world }
    }

    async fn on_localstack(url: &str, table: &str, outbound: Outbound) -> Self {
        let endpoints = emulator::endpoints(url);
        let write_notifier = WriteNotifier::default();
        let mut clients = Clients::at(&endpoints).await;
        clients.dynamodb = write_notifier.observe(&clients.dynamodb);
        emulator::prepare(&clients, table).await;
        let (mut deployment, close) = Deployment::in_process(clients, table, NAME, outbound);
        // Notifications are on. Routes send none, and a test that runs `events` has a queue of its own.
        deployment.notifications = Some(format!("{url}/000000000000/{NAME}{NOTIFICATIONS_PART}"));
        let clients = Clients::at(&endpoints).await;
        let world = Self::assemble(deployment.serve().await, deployment, endpoints, clients, close);
        Self { write_notifier, ..world }
    }

    /// The deployed service, with clients that bypass it.
    async fn deployed(url: String) -> Self {
        let set = |name| std::env::var(name).unwrap_or_else(|_| panic!("PLACET_TEST_GATEWAY needs {name}"));
        // AWS, or the emulator that AWS_ENDPOINT_URL names.
        let clients = Clients::from_env().await;
        let endpoints = emulator::endpoints(&std::env::var("AWS_ENDPOINT_URL").unwrap_or_default());
        let (table, bucket) = (set("PLACET_TEST_TABLE"), set("PLACET_TEST_BUCKET"));
        let (mut deployment, close) = Deployment::in_process(clients.clone(), &table, &bucket, Outbound::default());
        deployment.clock = Clock::system();
        deployment.secrets = ServerSecrets::parse(&set("PLACET_TEST_SECRETS")).expect("long enough");
        Self::assemble(url, deployment, endpoints, clients, close)
    }

    fn assemble(
        url: String,
        deployment: Deployment,
        endpoints: Endpoints,
        clients: Clients,
        close: watch::Sender<bool>,
    ) -> Self {
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

    /// The state of one function, restricted to its permissions.
    pub fn function(&self, name: &str) -> App {
        self.deployment.function(name)
    }

    /// The embedded engines as the SDK's clients call them, if the test runs on them.
    pub fn in_process(&self) -> Option<&InProcess> {
        self.engines.as_ref().map(|engines| &engines.in_process)
    }

    /// Endpoints that another process or a proxy can connect to.
    pub async fn endpoints_over_tcp(&self) -> Endpoints {
        let Some(engines) = &self.engines else { return self.endpoints.clone() };
        let url = engine_port::serve(engines.in_process.clone()).await;
        let (dynamodb, s3, sqs) = (url.clone(), url.clone(), url);
        Endpoints { dynamodb, s3, sqs, in_process: None, ..self.endpoints.clone() }
    }

    /// The embedded table's stream, if the test runs on the embedded engines.
    pub fn stream_retention(&self) -> Option<&StreamRetention> {
        self.engines.as_ref().map(|engines| &engines.stream_retention)
    }

    /// The event sources of this test, and the URLs of its delivery queue and its dead-letter queue. On LocalStack the
    /// stream begins here.
    pub async fn sources(&self) -> (EventSources, QueueUrls) {
        if self.engines.is_none() {
            emulator::set_stream(&self.clients, &self.table, true).await;
        }
        let urls = match &self.engines {
            Some(engines) => engines.queue_urls(),
            None => QueueUrls {
                deliveries: self.queue(&[]).await,
                failed_deliveries: self.dead_letter_queue().await,
                notifications: self.notification_queue("").await,
                failed_notifications: self.notification_queue(DEAD_LETTERS_SUFFIX).await,
                failed_events: self.queue(&[]).await,
            },
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

    /// Creates a queue for this test; returns its URL.
    pub async fn queue(&self, attributes: &[(QueueAttributeName, &str)]) -> String {
        self.create_queue(&unique_name(), attributes).await
    }

    /// Creates a queue to which only failed deliveries are sent; returns its URL.
    pub async fn dead_letter_queue(&self) -> String {
        self.create_queue(&format!("{}{DEAD_LETTERS_SUFFIX}", unique_name()), &[]).await
    }

    /// Creates a queue of notifications, or with a suffix their dead-letter queue; returns its URL.
    pub async fn notification_queue(&self, suffix: &str) -> String {
        // Tests delete nothing, and receive nothing twice.
        let hidden = [(QueueAttributeName::VisibilityTimeout, "3600")];
        self.create_queue(&format!("{}{NOTIFICATIONS_PART}{suffix}", unique_name()), &hidden).await
    }

    async fn create_queue(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
        let mut request = self.sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            request = request.attributes(name.clone(), *value);
        }
        request.send().await.expect("a queue").queue_url.expect("its URL")
    }

    /// Serves other routes on the same storage; returns their URL.
    pub async fn serve_also(&self, routes: Router<App>, app: App) -> String {
        deployment::listen(shared::http::service(routes, app)).await
    }

    /// Serves all routes a second time with only the storage in common, like another Lambda instance;
    /// returns their URL.
    pub async fn second_instance(&self) -> String {
        let waits = LongPolls::new(MAX_WAIT, watch::channel(false).1);
        self.serve_also(placet_local::routes(), App { long_polls: waits, ..self.app.clone() }).await
    }

    /// The items of a partition whose sort keys start with `prefix`, read past the service.
    pub async fn items(&self, pk: String, prefix: &str) -> Vec<Item> {
        let query = self.clients.dynamodb.query().table_name(&self.table).consistent_read(true);
        let query = query.expression_attribute_values(":pk", AttributeValue::S(pk));
        // DynamoDB refuses an empty string in a key condition.
        let query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.expect("storage works")
    }

    /// The sort keys of a partition's items.
    pub async fn sort_keys(&self, pk: String) -> Vec<String> {
        let items = self.items(pk, "").await;
        items.iter().map(|item| item["sk"].as_s().expect("a string").clone()).collect()
    }

    /// The file of the embedded database, if the test runs on it.
    pub fn database(&self) -> Option<PathBuf> {
        self.engines.as_ref().map(|_| self.dir.path().join(DATABASE))
    }

    /// The embedded database itself, if the test runs on it.
    pub fn embedded_engine(&self) -> Option<&dynoxide::Database> {
        self.engines.as_ref().map(|engines| &engines.dynamodb)
    }

    /// The bucket, which all tests on LocalStack share.
    pub fn bucket(&self) -> &str {
        &self.deployment.bucket
    }

    /// Lets time pass for the service.
    pub fn advance_clock(&self, span: Duration) {
        self.movable_clock().advance(span);
    }

    /// Sets the service's wall clock forward, or back by a negative number of milliseconds.
    pub fn jump_clock(&self, millis: i64) {
        self.movable_clock().jump(millis);
    }

    fn movable_clock(&self) -> &Clock {
        assert_eq!(
            gateway(),
            None,
            "the clock of a deployment cannot be moved: list this test in tests/sam/skipped.txt"
        );
        &self.app.clock
    }

    /// A new signed-in owner.
    pub async fn person(&self) -> Person {
        self.person_as(Role::Owner).await
    }

    /// A new signed-in member.
    pub async fn member(&self) -> Person {
        self.person_as(Role::Member).await
    }

    async fn person_as(&self, role: Role) -> Person {
        let email = random_email();
        let password = hex::encode(&random::bytes::<8>());
        self.create_account_as(&email, &password, role).await;
        let person = Person::signed_out(&self.url, &email, &password);
        person.sign_in().await.expect(200);
        person
    }

    /// Creates an owner's account.
    pub async fn create_account(&self, email: &str, password: &str) {
        self.create_account_as(email, password, Role::Owner).await;
    }

    pub(crate) async fn create_account_as(&self, email: &str, password: &str, role: Role) {
        let email = Email::checked(email).expect("an address");
        let created =
            self.app.store.accounts().create_user(&email, Password::new(password.to_owned()), "A person", role).await;
        created.expect("storage works").expect("the address is unused");
    }
}

/// The URL of the API gateway, if the environment names one.
fn gateway() -> Option<String> {
    std::env::var("PLACET_TEST_GATEWAY").ok()
}

fn unique_name() -> String {
    format!("{NAME}-{}", hex::encode(&random::bytes::<8>()))
}

fn directory() -> TempDir {
    TempDir::with_prefix("placet-test-").expect("a temporary directory")
}
