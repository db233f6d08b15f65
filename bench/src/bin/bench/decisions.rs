//! How soon an answer is back at whoever waits for it, and what waiting costs.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::join_all;
use placet_bench::figures::{Decision, Figures, Held, Spread};
use serde_json::json;
use tempfile::TempDir;
use test_support::{Agent, Person, Runner, World};
use tokio::task::JoinSet;

use crate::{machine, side_by_side};

/// How many wait for one review, and over how many reviews that are decided within a second.
const CROWDS: [(usize, usize); 3] = [(1, 48), (100, 1), (1000, 1)];
const SECONDS_IN: [u32; 3] = [1, 10, 25];
const HELD: usize = 200;

/// Fills in what is known of waits.
pub async fn measure(figures: &mut Figures) {
    figures.held_kb = memory().await;
    (figures.decisions, figures.held) = latencies().await;
}

async fn latencies() -> (Vec<Decision>, Vec<Held>) {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let held = vec![held(&agent, &person, false).await, held(&agent, &person, true).await];
    let elsewhere = person.at(&world.second_instance().await);
    let mut decisions = vec![];
    for (waiters, reviews) in CROWDS {
        for (seconds_in, here) in SECONDS_IN.map(|seconds| (seconds, false)).into_iter().chain([(1, true)]) {
            let person = if here { &person } else { &elsewhere };
            for seen in [false, true] {
                // The shortest are done several times: what they cost is a second.
                let rounds = if seconds_in == 1 { 5 } else { 1 };
                let mut took = vec![];
                for round in 0..rounds {
                    let decided = (0..reviews).map(|nth| {
                        let after = Duration::from_secs(seconds_in.into()) + Duration::from_secs(1) * nth as u32 / 48;
                        // Waits that begin together look together for a while: answers come at no
                        // particular moment of their rhythm.
                        let after = after + Duration::from_millis(21) * round;
                        decision(&agent, person, waiters, after, seen)
                    });
                    took.extend(join_all(decided).await.concat());
                }
                decisions.push(Decision { here, waiters, seconds_in, seen, latency: Spread::of(took) });
            }
        }
    }
    (decisions, held)
}

/// From the answer being sent to each of the waits having returned it, in milliseconds.
async fn decision(agent: &Agent, person: &Person, waiters: usize, after: Duration, seen: bool) -> Vec<f64> {
    let id = asked(agent, person, seen).await;
    let waits = side_by_side((0..waiters).map(|_| {
        let (agent, id) = (agent.clone(), id.clone());
        async move {
            let reply = agent.wait(&id, 29_000).await;
            assert_eq!(reply.json()["status"], "completed");
            Instant::now()
        }
    }));
    let answering = async {
        tokio::time::sleep(after).await;
        let began = Instant::now();
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        began
    };
    let (returned, began) = tokio::join!(waits, answering);
    returned.into_iter().map(|at| (at - began).as_secs_f64() * 1000.0).collect()
}

async fn asked(agent: &Agent, person: &Person, seen: bool) -> String {
    let id = agent.request_approval().await;
    if seen {
        assert_eq!(person.get(&format!("/reviews/{id}")).await.status, 200);
    }
    id
}

/// Waits until time is up.
async fn held(agent: &Agent, person: &Person, seen: bool) -> Held {
    // Each for a review of its own: those for the same would look together.
    let ids = join_all((0..HELD).map(|_| asked(agent, person, seen))).await;
    let cpu = ProcessTime::now();
    let replies = join_all(ids.iter().map(|id| agent.wait(id, 29_000))).await;
    let each = |sum: f64| sum / HELD as f64;
    let costs: Vec<_> = replies.iter().map(|reply| reply.cost()).collect();
    Held {
        seen,
        reads: each(costs.iter().map(|cost| f64::from(cost.calls)).sum()).round() as u32,
        read_units: each(costs.iter().map(|cost| cost.read_units).sum()).round(),
        cpu_ms: each(cpu.elapsed().as_secs_f64() * 1000.0),
    }
}

/// What a wait adds to the memory of the local runner, in KB: the difference between few and many,
/// so that what is there for any of them does not count.
async fn memory() -> f64 {
    const CROWDS: [usize; 2] = [100, 500];
    const SETTLED: Duration = Duration::from_secs(4);
    let dir = TempDir::new().expect("a directory");
    let runner = Runner::start(dir.path()).await;
    let (agent, process) = (runner.agent(), runner.child.id().expect("it runs"));
    let mut waits = JoinSet::new();
    let mut resident = vec![];
    for crowd in CROWDS {
        while waits.len() < crowd {
            let (agent, id) = (agent.clone(), agent.request_approval().await);
            waits.spawn(async move { agent.wait(&id, 29_000).await });
        }
        tokio::time::sleep(SETTLED).await;
        resident.push(machine::memory(process, "VmRSS"));
    }
    let ended = waits.try_join_next();
    assert!(ended.is_none(), "all were held while it was measured: {ended:?}");
    (resident[1] - resident[0]) * 1000.0 / (CROWDS[1] - CROWDS[0]) as f64
}
