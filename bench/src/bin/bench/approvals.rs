//! Whole approvals: an agent asks, a person answers, and the agent's wait returns.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use dynoxide::Database;
use dynoxide::actions::list_tables::ListTablesRequest;
use futures_util::future::join_all;
use placet_bench::figures::{Approvals, Spread};
use serde_json::json;
use test_support::{Agent, Person, World};

use crate::spawn_all;

/// Approvals at a time.
const CONCURRENCY: usize = 32;
/// How long approvals are measured.
const MEASURED_TIME: Duration = Duration::from_secs(15);

pub async fn measure() -> Approvals {
    let world = World::embedded().await;
    let person = world.person().await;
    let agents = join_all((0..CONCURRENCY).map(|_| person.agent())).await;
    // Warm up before the measurement.
    join_all(agents.iter().map(|agent| complete_approval(agent, &person))).await;
    let engine = LockSampler::start(world.embedded_engine().expect("the embedded engine").clone());
    let (began, cpu) = (Instant::now(), ProcessTime::now());
    let workers = agents.into_iter().map(|agent| {
        let person = person.clone();
        async move {
            let mut took = vec![];
            while began.elapsed() < MEASURED_TIME {
                took.push(complete_approval(&agent, &person).await);
            }
            took
        }
    });
    let took = spawn_all(workers).await.concat();
    let seconds = began.elapsed().as_secs_f64();
    Approvals {
        per_second: took.len() as f64 / seconds,
        latency: Spread::from_samples(took),
        cores: cpu.elapsed().as_secs_f64() / seconds,
        engine_busy: engine.busy_share(),
    }
}

/// Samples how long the engine's lock is held. The engine serves one call at a time; the share of
/// samples that had to wait for the lock is its share of time.
struct LockSampler {
    stop: Sender<()>,
    sampling: JoinHandle<f64>,
}

impl LockSampler {
    fn start(database: Database) -> Self {
        const INTERVAL: Duration = Duration::from_millis(20);
        let (stop, stopped) = channel();
        let sample = move || {
            let began = Instant::now();
            database.list_tables(ListTablesRequest::default()).expect("its tables");
            began.elapsed()
        };
        // Measured while the engine is idle.
        let mut idle: Vec<Duration> = (0..200).map(|_| sample()).collect();
        idle.sort();
        let threshold = idle[idle.len() / 2] * 3;
        let sampling = spawn(move || {
            let mut samples = vec![];
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                samples.push(sample());
            }
            samples.iter().filter(|took| **took > threshold).count() as f64 / samples.len() as f64
        });
        Self { stop, sampling }
    }

    fn busy_share(self) -> f64 {
        drop(self.stop);
        self.sampling.join().expect("the sampler ends")
    }
}

/// One approval; returns its latency in milliseconds.
async fn complete_approval(agent: &Agent, person: &Person) -> f64 {
    let began = Instant::now();
    let id = agent.request_approval().await;
    let answer = person.answer(&id, json!({ "selectedOption": "approve" }));
    let (waited, answered) = tokio::join!(agent.wait(&id, 29_000), answer);
    answered.expect(201);
    assert_eq!(waited.json()["status"], "completed");
    began.elapsed().as_secs_f64() * 1000.0
}
