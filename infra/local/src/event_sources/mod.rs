//! The event source mappings and schedules of AWS Lambda on one machine: loops that invoke the
//! functions with the table's stream and with the queue of deliveries, in Lambda's event types.
//!
//! - [`sources`]: finds the stream and the queue
//! - [`stream`]: reads every shard of the table's stream in order; `shards`: finds the shards;
//!   [`checkpoints`]: the progress of each
//! - `record`: converts a stream record to Lambda's type
//! - [`write_notifier`]: wakes the stream readers when this process writes to the table
//! - [`queue`]: receives messages in concurrent batches
//! - [`schedule`]: runs a task periodically
//!
//! Progress is recorded only after a function has processed a record or message. A crash can
//! therefore cause a repeated invocation, but never a skipped one.

pub mod checkpoints;
pub mod queue;
mod record;
pub mod schedule;
mod shards;
pub mod sources;
pub mod stream;
pub mod wait_notifier;
pub mod write_notifier;

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long running batches may take to end after a stop request: slightly longer than the timeout
/// of a webhook delivery.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Background loops that run until they are stopped or dropped.
pub struct Workers {
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Tells a loop when to stop.
#[derive(Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl Default for Workers {
    fn default() -> Self {
        Self { stopping: watch::channel(false).0, tasks: JoinSet::new() }
    }
}

impl Workers {
    /// Starts a loop, which must end when its signal is set.
    pub fn start<W: Future<Output = ()> + Send + 'static>(&mut self, work: impl FnOnce(StopSignal) -> W) {
        self.tasks.spawn(work(StopSignal(self.stopping.subscribe())));
    }

    /// Stops taking new work and waits for running batches, at most for [`DRAIN_TIMEOUT`]. What is
    /// unfinished then is processed again after the next start.
    pub async fn stop(mut self) {
        // Every loop holds a receiver until it ends.
        let _ = self.stopping.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, ended).await.is_err() {
            tracing::warn!("deliveries are still running: they are repeated after the next start");
        }
    }
}

impl StopSignal {
    /// Whether the loop has to stop.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the loop has to stop. A dropped sender counts as a stop request.
    pub async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Sleeps for `span`, or until the loop has to stop.
    pub async fn sleep(&mut self, span: Duration) {
        let _ = tokio::time::timeout(span, self.wait()).await;
    }
}

/// The delay before the next attempt, which doubles with each failed attempt.
fn backoff(attempts: u32, initial: Duration, max: Duration) -> Duration {
    initial.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(max)
}
