//! The embedded engines: DynamoDB on SQLite, S3 on the file system and SQS on SQLite, each on a
//! loopback port of its own. Everything reaches them through the ordinary SDK clients, as it would
//! reach AWS.

use std::fs;
use std::path::Path;

use axum::Router;
use axum::error_handling::HandleError;
use dynoxide::Database;
use http::{Method, StatusCode};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use shared::app::App;
use shared::clock::Clock;
use shared::secrets;
use shared::server_secret::ServerSecret;
use shared::storage::{Clients, Endpoints, schema};
use shared::waiting::Waits;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::cors::{Any, CorsLayer};

use crate::StartError;
use crate::durable::Durable;
use crate::mappings::sources::{QueueUrls, Sources};
use crate::mappings::writes::Writes;
use crate::queue::{self, Queues, Settings};
use crate::server;
use crate::stream_log::StreamLog;
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
        let files = FileSystem::new(&objects).map_err(|err| at("files", &format!("{err:?}")))?;

        let file = Durable::open(dir)?;
        let queues = Queues::new(file.clone());
        declare(&queues).await.map_err(|err| at("queues", &err))?;

        let (tables, objects, messages) = (listen().await?, listen().await?, listen().await?);
        // Fresh at every start: who does not know it cannot sign a request.
        let secret_key = secrets::hex(&secrets::random::<20>());
        let endpoints = Endpoints {
            dynamodb: url(&tables)?,
            s3: url(&objects)?,
            sqs: url(&messages)?,
            access_key: "placet-local".to_owned(),
            secret_key: secret_key.clone(),
        };
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(&endpoints.access_key, secret_key));

        let (stopping, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        servers.spawn(serve_dynamodb(tables, dynamodb.clone(), stopped.clone()));
        servers.spawn(serve_s3(objects, service.build(), stopped.clone()));
        servers.spawn(serve_sqs(messages, queue::router(queues.clone(), &endpoints), stopped));
        Ok(Self {
            endpoints,
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
        // Both servers hold a receiver until they end.
        let _ = self.stopping.send(true);
        while self.servers.join_next().await.is_some() {}
    }
}

async fn listen() -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|err| StartError::told(format!("No loopback port could be opened for the storage: {err}.")))
}

fn url(listener: &TcpListener) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(|err| StartError::told(format!("A port got lost: {err}.")))?;
    Ok(format!("http://{address}"))
}

async fn serve_dynamodb(listener: TcpListener, database: Database, stopped: watch::Receiver<bool>) {
    if let Err(err) = dynoxide::server::serve_with_shutdown(listener, database, until(stopped)).await {
        tracing::error!(cause = err, "the embedded DynamoDB ended");
    }
}

async fn serve_s3(listener: TcpListener, service: S3Service, stopped: watch::Receiver<bool>) {
    let service = HandleError::new(service, async |_| StatusCode::INTERNAL_SERVER_ERROR);
    // As the deployed bucket's rules: pages come from another origin, and every URL is signed.
    let pages = CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::PUT]).allow_headers(Any);
    let router = Router::new().fallback_service(service).layer(pages);
    if let Err(err) = server::serve(listener, router, stopped).await {
        tracing::error!(cause = %err, "the embedded S3 ended");
    }
}

async fn serve_sqs(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    if let Err(err) = server::serve(listener, router, stopped).await {
        tracing::error!(cause = %err, "the embedded SQS ended");
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

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means stop, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
