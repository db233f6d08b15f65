//! What AWS's event source mappings and schedules do, on one machine: they bring the table's
//! stream and the queue of deliveries to the functions, in the events that Lambda would give them.
//!
//! - [`stream`]: every shard of the table's stream, in order; [`positions`]: how far each was read
//! - `record`: a record of the stream as Lambda hands it over
//! - [`queue`]: messages of a queue, several batches at a time
//! - [`schedule`]: what is done every so often
//! - [`sources`]: where the two are
//! - [`writes`]: who waits for the stream is told of a write at once
//!
//! A record or message counts as done only when its function said so, and only then is that
//! noted on the disk: a kill at any point means that some are brought again, never that one is
//! left out.

pub mod positions;
pub mod queue;
mod record;
pub mod schedule;
pub mod sources;
pub mod stream;
pub mod writes;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodbstreams::config::BehaviorVersion;
use shared::storage::{Clients, Endpoints};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long batches in flight may take to end once the process is to stop: a little more than
/// the longest that a webhook's receiver may take.
pub const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Loops that run until they are told to stop, or dropped.
pub struct Mappings {
    stopping: watch::Sender<bool>,
    loops: JoinSet<()>,
}

/// Tells a loop when to stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Default for Mappings {
    fn default() -> Self {
        Self { stopping: watch::channel(false).0, loops: JoinSet::new() }
    }
}

impl Mappings {
    /// Starts a loop, which ends when it is told to.
    pub fn start<W: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(Stop) -> W) {
        self.loops.spawn(work(Stop(self.stopping.subscribe())));
    }

    /// Takes nothing new, and lets what is in flight end. What has not ended by then is brought
    /// again after the next start.
    pub async fn stop(mut self) {
        // Every loop holds a receiver until it ends.
        let _ = self.stopping.send(true);
        let ended = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!("deliveries are still running: they are sent again after the next start");
        }
    }
}

impl Stop {
    pub fn asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends once asked to stop. A sender that is gone means stop, too.
    pub async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Sleeps, less long if asked to stop meanwhile.
    pub async fn sleep(&mut self, span: Duration) {
        let _ = tokio::time::timeout(span, self.wait()).await;
    }
}

/// A pause that doubles with every try.
fn pause(tries: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(longest)
}

/// A client of the table's stream, like the table's own.
pub fn streams_client(endpoints: &Endpoints, clients: &Clients) -> aws_sdk_dynamodbstreams::Client {
    let like = clients.dynamodb.config();
    let mut config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&endpoints.dynamodb)
        .region(like.region().cloned());
    match endpoints.in_process {
        Some(_) => config.set_allow_no_auth(),
        None => config.set_credentials_provider(Some(credentials(endpoints))),
    };
    config.set_http_client(like.http_client());
    config.set_timeout_config(like.timeout_config().cloned());
    config.set_retry_config(like.retry_config().cloned());
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}

fn credentials(endpoints: &Endpoints) -> SharedCredentialsProvider {
    let Endpoints { access_key, secret_key, .. } = endpoints;
    SharedCredentialsProvider::new(Credentials::new(access_key, secret_key, None, None, "fixed"))
}
