//! The embedded engines: DynamoDB on SQLite, S3 on the file system and SQS on SQLite. Everything
//! reaches them through the ordinary SDK clients, as it would reach AWS, but in this process. One
//! loopback port is open, for presigned URLs of S3.

use std::fs;
use std::path::Path;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use dynoxide::Database;
use s3s::service::S3Service;
use shared::app::App;
use shared::clock::Clock;
use shared::secrets;
use shared::server_secret::ServerSecret;
use shared::storage::{Clients, Endpoints, schema};
use shared::waiting::Waits;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::StartError;
use crate::durable::Durable;
use crate::in_process::{InProcess, QUEUES_URL, TABLE_URL};
use crate::mappings::sources::{QueueUrls, Sources};
use crate::mappings::writes::Writes;
use crate::objects::{Objects, port};
use crate::queue::{self, Queues, Service, Settings};
use crate::stream_log::StreamLog;
use crate::table::Table;
use crate::time_to_live::TimeToLive;

/// The table's name.
pub const TABLE: &str = "placet";
/// The database's file, in the directory that the data is kept in.
pub const DATABASE: &str = "dynamodb.sqlite";
/// The bucket's name.
pub const BUCKET: &str = "placet";
/// The queue of deliveries.
pub const DELIVERIES: &str = "placet-webhooks";
/// Where deliveries go that were given up.
pub const FAILED_DELIVERIES: &str = "placet-webhooks-failed";
/// Where records of the stream go that could not be handled.
pub const FAILED_EVENTS: &str = "placet-events-failed";

/// Engines that run until [`stop`](Engines::stop).
pub struct Engines {
    pub endpoints: Endpoints,
    /// What those endpoints lead to.
    pub in_process: InProcess,
    /// The embedded DynamoDB, past its interface.
    pub dynamodb: Database,
    /// The file that the queues are in, and the positions of whoever reads the stream.
    pub file: Durable,
    /// The table's stream, as the engine keeps it.
    pub stream_log: StreamLog,
    /// Its items that are there for a time.
    pub time_to_live: TimeToLive,
    pub queues: Queues,
    /// What the state's store writes to the table.
    pub writes: Writes,
    stopping: watch::Sender<bool>,
    servers: JoinSet<()>,
}

impl Engines {
    /// Starts all on the data kept in `dir`.
    pub async fn start(dir: &Path) -> Result<Self, StartError> {
        let objects = dir.join("s3");
        let at = |what: &str, err: &dyn std::fmt::Display| {
            StartError::told(format!("The {what} in {} cannot be opened: {err}.", dir.display()))
        };
        // The file system behind S3 wants its buckets as directories.
        fs::create_dir_all(objects.join(BUCKET)).map_err(|err| at("files", &err))?;
        let path = dir.join(DATABASE);
        let database = path.to_str().ok_or_else(|| at("database", &"its path is not UTF-8"))?;
        let dynamodb = Database::new(database).map_err(|err| at("database", &err))?;
        let stream_log = StreamLog::open(&path).map_err(|err| at("database", &err))?;
        let time_to_live = TimeToLive::of(&dynamodb);
        let objects = Objects::open(&objects).map_err(|err| at("files", &format!("{err:?}")))?;

        let file = Durable::open(dir)?;
        let queues = Queues::new(file.clone());
        declare(&queues).await.map_err(|err| at("queues", &err))?;

        let listener = listen().await?;
        // Fresh at every start: who does not know it cannot sign a URL.
        let (access_key, secret_key) = ("placet-local", secrets::hex(&secrets::random::<20>()));
        let objects = objects.service(access_key, &secret_key);
        let in_process = InProcess {
            table: Table::new(dynamodb.clone()),
            queues: Service::new(queues.clone(), QUEUES_URL),
            objects: objects.clone(),
        };
        let endpoints = endpoints(url(&listener)?, access_key, secret_key, &in_process);

        let (stopping, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        servers.spawn(serve_s3(listener, objects, stopped));
        Ok(Self {
            endpoints,
            in_process,
            dynamodb,
            file,
            stream_log,
            time_to_live,
            queues,
            writes: Writes::default(),
            stopping,
            servers,
        })
    }

    /// The state of the routers on these engines, their table and bucket ready.
    pub async fn app(&self, clock: Clock, waits: Waits, secret: ServerSecret) -> Result<App, StartError> {
        let clients = self.clients().await?;
        Ok(App::new(&clients, TABLE, BUCKET, clock, waits, secret).on_queue(&self.queue_urls().deliveries))
    }

    /// Clients whose writes the readers of the stream are told of; their table is ready.
    pub async fn clients(&self) -> Result<Clients, StartError> {
        let mut clients = Clients::at(&self.endpoints).await;
        clients.dynamodb = self.writes.watch(&clients.dynamodb);
        schema::create(&clients.dynamodb, TABLE).await?;
        Ok(clients)
    }

    /// What the loops read.
    pub async fn sources(&self) -> Result<Sources, StartError> {
        let clients = Clients::at(&self.endpoints).await;
        let (file, writes) = (self.file.clone(), self.writes.clone());
        Ok(Sources::find(&self.endpoints, &clients, TABLE, self.queue_urls(), file, writes).await?)
    }

    /// The queues, where they are since this start.
    pub fn queue_urls(&self) -> QueueUrls {
        let url = |name| queue::url(&self.endpoints.sqs, name);
        QueueUrls { deliveries: url(DELIVERIES), failed_events: url(FAILED_EVENTS) }
    }

    /// Lets running requests finish and closes the files.
    pub async fn stop(mut self) {
        // The server holds a receiver until it ends.
        let _ = self.stopping.send(true);
        while self.servers.join_next().await.is_some() {}
    }
}

/// The table and the queues are reached in process; S3's address is the one that URLs are signed for.
fn endpoints(s3: String, access_key: &str, secret_key: String, in_process: &InProcess) -> Endpoints {
    Endpoints {
        dynamodb: TABLE_URL.to_owned(),
        s3,
        sqs: QUEUES_URL.to_owned(),
        access_key: access_key.to_owned(),
        secret_key,
        in_process: Some(SharedHttpClient::new(in_process.clone())),
    }
}

async fn listen() -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|err| StartError::told(format!("No loopback port could be opened for the files: {err}.")))
}

fn url(listener: &TcpListener) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(|err| StartError::told(format!("A port got lost: {err}.")))?;
    Ok(format!("http://{address}"))
}

async fn serve_s3(listener: TcpListener, service: S3Service, stopped: watch::Receiver<bool>) {
    if let Err(err) = port::serve(listener, service, stopped).await {
        tracing::error!(cause = %err, "the embedded S3 ended");
    }
}

/// A message is visible again a minute after its function took it and was gone, and given up
/// when that happened this often; its function decides sooner.
async fn declare(queues: &Queues) -> rusqlite::Result<()> {
    const TWO_WEEKS: i64 = 14 * 24 * 3600;
    let failed = Settings { retention: Some(TWO_WEEKS), ..Settings::default() };
    queues.declare(FAILED_EVENTS, failed.clone()).await?;
    queues.declare(FAILED_DELIVERIES, failed).await?;
    let redrive = Some((FAILED_DELIVERIES.to_owned(), 100));
    queues.declare(DELIVERIES, Settings { visibility_timeout: 60, redrive, ..Settings::default() }).await
}
