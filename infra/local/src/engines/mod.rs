//! The embedded engines: DynamoDB on SQLite, S3 on the file system and SQS on SQLite. The project
//! reaches them through the ordinary SDK clients, as it reaches AWS, but within this process.
//!
//! - [`in_process`]: the SDK's HTTP client that leads to the engines
//! - [`dynamodb`]: DynamoDB's protocol on the embedded engine
//! - `group_sync`: one sync of the disk for writes that run at the same time
//! - [`stream_retention`], [`ttl_sweeper`]: delete old stream records and expired items
//! - [`s3`]: S3 on the file system, with the one TCP port that is open, for presigned URLs
//!
//! The queues are in [`crate::sqs`].

pub mod dynamodb;
mod group_sync;
pub mod in_process;
pub mod s3;
pub mod stream_retention;
pub mod ttl_sweeper;

use std::fs;
use std::path::Path;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use dynoxide::Database;
use s3s::service::S3Service;
use shared::aws::{Clients, Endpoints};
use shared::clock::Clock;
use shared::error::Error;
use shared::http::App;
use shared::long_poll::LongPolls;
use shared::secrets::ServerSecrets;
use shared::storage::schema;
use shared::{hex, random};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::StartError;
use crate::event_sources::DRAIN_TIMEOUT;
use crate::event_sources::sources::{EventSources, QueueUrls};
use crate::event_sources::write_notifier::WriteNotifier;
use crate::sqs::sqlite::QueueDb;
use crate::sqs::{self, Queues, RedrivePolicy, Service, Settings};
use dynamodb::DynamoDb;
use in_process::{DYNAMODB_URL, InProcess, SQS_URL};
use s3::{ObjectStore, presigned_port};
use stream_retention::StreamRetention;
use ttl_sweeper::TtlSweeper;

/// The table's name.
pub const TABLE: &str = "placet";
/// The file of the table's database in the data directory.
pub const DATABASE: &str = "dynamodb.sqlite";
/// The directory of the objects in the data directory.
pub const OBJECTS_DIR: &str = "s3";
/// The bucket's name.
pub const BUCKET: &str = "placet";
/// The queue of webhook deliveries.
pub const DELIVERIES: &str = "placet-webhooks";
/// The dead-letter queue of deliveries.
pub const FAILED_DELIVERIES: &str = "placet-webhooks-failed";
/// The queue of notifications.
pub const NOTIFICATIONS: &str = "placet-notify";
/// The dead-letter queue of notifications.
pub const FAILED_NOTIFICATIONS: &str = "placet-notify-failed";
/// The dead-letter queue of stream records.
pub const FAILED_EVENTS: &str = "placet-events-failed";

/// The running engines. [`stop`](Engines::stop) ends them.
pub struct Engines {
    /// The SDK's configuration for these engines.
    pub endpoints: Endpoints,
    /// The HTTP client in `endpoints`.
    pub in_process: InProcess,
    /// The embedded DynamoDB, without its protocol.
    pub dynamodb: Database,
    /// The database of the queues and the stream checkpoints.
    pub queue_db: QueueDb,
    pub stream_retention: StreamRetention,
    pub ttl_sweeper: TtlSweeper,
    pub queues: Queues,
    /// Notified of the writes that the application's store makes.
    pub write_notifier: WriteNotifier,
    stopping: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Engines {
    /// Starts the engines on a data directory.
    pub async fn start(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join(DATABASE);
        let database = path.to_str().ok_or_else(|| open_error("database", dir, &"its path is not UTF-8"))?;
        let dynamodb = Database::new(database).map_err(|err| open_error("database", dir, &err))?;
        let stream_retention = StreamRetention::open(&path).map_err(|err| open_error("database", dir, &err))?;
        let durable = DynamoDb::durable(dynamodb.clone(), &path).map_err(|err| open_error("database", dir, &err))?;
        let queue_db = QueueDb::open(dir)?;
        let queues = Queues::new(queue_db.clone());
        ensure_queues(&queues).await.map_err(|err| open_error("queues", dir, &err))?;

        let listener = bind_presigned_port().await?;
        // The secret key is new at every start, so no other process can sign a URL.
        let (access_key, secret_key) = ("placet-local", hex::encode(&random::bytes::<20>()));
        let s3 = open_objects(dir)?.service(access_key, &secret_key);
        let in_process = InProcess { dynamodb: durable, sqs: Service::new(queues.clone(), SQS_URL), s3: s3.clone() };
        let endpoints = endpoints(listener_url(&listener)?, access_key, secret_key, &in_process);
        let (stopping, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        servers.spawn(serve_presigned_urls(listener, s3, stopped));
        Ok(Self {
            endpoints,
            in_process,
            ttl_sweeper: TtlSweeper::new(&dynamodb),
            dynamodb,
            queue_db,
            stream_retention,
            queues,
            write_notifier: WriteNotifier::default(),
            stopping,
            servers,
        })
    }

    /// The application state on these engines. Creates the table if it is absent.
    pub async fn app(&self, clock: Clock, waits: LongPolls, secrets: ServerSecrets) -> Result<App, StartError> {
        let clients = self.clients().await?;
        let queues = self.queue_urls();
        let app = App::new(&clients, TABLE, BUCKET, clock, waits, secrets);
        let app = app.on_queue(&queues.deliveries).with_dead_letters(&queues.failed_deliveries);
        Ok(app.notifying_on(&queues.notifications).with_failed_notifications(&queues.failed_notifications))
    }

    /// SDK clients whose writes notify `write_notifier`. Creates the table if it is absent.
    pub async fn clients(&self) -> Result<Clients, StartError> {
        let mut clients = Clients::at(&self.endpoints).await;
        clients.dynamodb = self.write_notifier.observe(&clients.dynamodb);
        schema::create(&clients.dynamodb, TABLE).await.map_err(Error::from)?;
        Ok(clients)
    }

    /// The table's stream and the queues, as event sources.
    pub async fn event_sources(&self) -> Result<EventSources, StartError> {
        let clients = Clients::at(&self.endpoints).await;
        let (db, notifier) = (self.queue_db.clone(), self.write_notifier.clone());
        Ok(EventSources::connect(&self.endpoints, &clients, TABLE, self.queue_urls(), db, notifier).await?)
    }

    /// The queues' URLs.
    pub fn queue_urls(&self) -> QueueUrls {
        let url = |name| sqs::url(&self.endpoints.sqs, name);
        QueueUrls {
            deliveries: url(DELIVERIES),
            failed_deliveries: url(FAILED_DELIVERIES),
            notifications: url(NOTIFICATIONS),
            failed_notifications: url(FAILED_NOTIFICATIONS),
            failed_events: url(FAILED_EVENTS),
        }
    }

    /// Completes running requests, at most for [`DRAIN_TIMEOUT`], and closes the files.
    pub async fn stop(mut self) {
        // The server holds a receiver until it ends.
        let _ = self.stopping.send(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
            tracing::warn!("uploads to or downloads from storage are still running: they are interrupted");
            self.servers.shutdown().await;
        }
    }
}

/// Opens the objects; the file system engine expects buckets as directories.
fn open_objects(dir: &Path) -> Result<ObjectStore, StartError> {
    let objects = dir.join(OBJECTS_DIR);
    fs::create_dir_all(objects.join(BUCKET)).map_err(|err| open_error("files", dir, &err))?;
    ObjectStore::open(&objects).map_err(|err| open_error("files", dir, &format!("{err:?}")))
}

fn open_error(part: &str, dir: &Path, err: &dyn std::fmt::Display) -> StartError {
    StartError::message(format!("The {part} in {} cannot be opened: {err}.", dir.display()))
}

/// DynamoDB and SQS are reached in process; the address of S3 is the one that URLs are signed for.
fn endpoints(s3: String, access_key: &str, secret_key: String, in_process: &InProcess) -> Endpoints {
    Endpoints {
        dynamodb: DYNAMODB_URL.to_owned(),
        s3,
        sqs: SQS_URL.to_owned(),
        access_key: access_key.to_owned(),
        secret_key,
        in_process: Some(SharedHttpClient::new(in_process.clone())),
    }
}

async fn bind_presigned_port() -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|err| StartError::message(format!("No loopback port could be opened for presigned URLs: {err}.")))
}

fn listener_url(listener: &TcpListener) -> Result<String, StartError> {
    let address = listener.local_addr();
    let address =
        address.map_err(|err| StartError::message(format!("The port of presigned URLs cannot be read: {err}.")))?;
    Ok(format!("http://{address}"))
}

async fn serve_presigned_urls(listener: TcpListener, service: S3Service, stopped: watch::Receiver<bool>) {
    if let Err(err) = presigned_port::serve(listener, service, stopped).await {
        tracing::error!(cause = %err, "the embedded S3 stopped");
    }
}

/// Creates the queues with the settings of infra/template.yaml, except that a message becomes
/// visible again after 60 s, because a local function runs for seconds.
async fn ensure_queues(queues: &Queues) -> rusqlite::Result<()> {
    const TWO_WEEKS: i64 = 14 * 24 * 3600;
    let dead_letters = Settings { retention: Some(TWO_WEEKS), ..Settings::default() };
    queues.ensure_queue(FAILED_EVENTS, dead_letters.clone()).await?;
    for (name, failed) in [(DELIVERIES, FAILED_DELIVERIES), (NOTIFICATIONS, FAILED_NOTIFICATIONS)] {
        queues.ensure_queue(failed, dead_letters.clone()).await?;
        let redrive = Some(RedrivePolicy { dead_letter_queue: failed.to_owned(), max_receive_count: 100 });
        queues.ensure_queue(name, Settings { visibility_timeout: 60, redrive, ..Settings::default() }).await?;
    }
    Ok(())
}
