//! The memory and processor time of the local runner while it holds waits that nobody answers.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use test_support::Runner;
use tokio::task::JoinSet;

use crate::process;

/// Until what reviews and waits do in the background is done.
const SETTLE_TIME: Duration = Duration::from_secs(5);
/// How long the processor time is counted.
const COUNTED_TIME: Duration = Duration::from_secs(10);

/// What each of many parked waits takes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ParkedWaits {
    pub count: usize,
    /// Resident memory of one wait with its connection, in KiB.
    pub kib_each: f64,
    /// Processor time of all, as a part of one core.
    pub cores: f64,
}

/// Measures `count` waits, each for its own review. The reviews are there before, so what they take does not count.
pub async fn measure(count: usize) -> ParkedWaits {
    let dir = TempDir::new().expect("a directory");
    let runner = Runner::start(dir.path()).await;
    let (agent, process) = (runner.agent(), runner.child.id().expect("it runs"));
    let reviews = stream::iter(0..count).map(|_| agent.request_approval()).buffer_unordered(8);
    let reviews: Vec<String> = reviews.collect().await;
    tokio::time::sleep(SETTLE_TIME).await;
    let before = process::memory(process, "VmRSS");
    let mut waits = JoinSet::new();
    for id in reviews {
        let agent = agent.clone();
        waits.spawn(async move { agent.wait(&id, 29_000).await });
    }
    tokio::time::sleep(SETTLE_TIME).await;
    let spent = process::processor_time(process);
    tokio::time::sleep(COUNTED_TIME).await;
    let spent = process::processor_time(process) - spent;
    let parked = process::memory(process, "VmRSS");
    let ended = waits.try_join_next();
    assert!(ended.is_none(), "every wait is held during the measurement: {ended:?}");
    ParkedWaits {
        count,
        kib_each: parked.saturating_sub(before) as f64 / count as f64,
        cores: spent.as_secs_f64() / COUNTED_TIME.as_secs_f64(),
    }
}
