//! Whole approvals: asked, answered, and the answer back at the agent that waits for it.

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

use crate::side_by_side;

const AT_ONCE: usize = 32;
const FOR: Duration = Duration::from_secs(15);

pub async fn measure() -> Approvals {
    let world = World::embedded().await;
    let person = world.person().await;
    let agents = join_all((0..AT_ONCE).map(|_| person.agent())).await;
    // Everything is warm before it counts.
    join_all(agents.iter().map(|agent| approval(agent, &person))).await;
    let engine = Busy::watch(world.embedded_engine().expect("the embedded engine").clone());
    let (began, cpu) = (Instant::now(), ProcessTime::now());
    let workers = agents.into_iter().map(|agent| {
        let person = person.clone();
        async move {
            let mut took = vec![];
            while began.elapsed() < FOR {
                took.push(approval(&agent, &person).await);
            }
            took
        }
    });
    let took = side_by_side(workers).await.concat();
    let seconds = began.elapsed().as_secs_f64();
    Approvals {
        per_second: took.len() as f64 / seconds,
        latency: Spread::of(took),
        cores: cpu.elapsed().as_secs_f64() / seconds,
        engine_busy: engine.share(),
    }
}

/// How much of the time the engine's lock is taken: it serves one call after the other. Asked at
/// moments that have nothing to do with the calls, the share that had to wait is the share of time.
struct Busy {
    stop: Sender<()>,
    watching: JoinHandle<f64>,
}

impl Busy {
    fn watch(database: Database) -> Self {
        const MOMENTS: Duration = Duration::from_millis(20);
        let (stop, stopped) = channel();
        let ask = move || {
            let began = Instant::now();
            database.list_tables(ListTablesRequest::default()).expect("its tables");
            began.elapsed()
        };
        // Before anything else is asked.
        let mut free: Vec<Duration> = (0..200).map(|_| ask()).collect();
        free.sort();
        let free = free[free.len() / 2] * 3;
        let watching = spawn(move || {
            let mut moments = vec![];
            while stopped.recv_timeout(MOMENTS) == Err(RecvTimeoutError::Timeout) {
                moments.push(ask());
            }
            moments.iter().filter(|took| **took > free).count() as f64 / moments.len() as f64
        });
        Self { stop, watching }
    }

    fn share(self) -> f64 {
        drop(self.stop);
        self.watching.join().expect("it ends")
    }
}

/// Milliseconds.
async fn approval(agent: &Agent, person: &Person) -> f64 {
    let began = Instant::now();
    let id = agent.request_approval().await;
    let answer = person.answer(&id, json!({ "selectedOption": "approve" }));
    let (waited, answered) = tokio::join!(agent.wait(&id, 29_000), answer);
    answered.expect(201);
    assert_eq!(waited.json()["status"], "completed");
    began.elapsed().as_secs_f64() * 1000.0
}
