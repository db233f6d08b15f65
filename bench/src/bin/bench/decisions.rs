//! The latency from an answer to the waits for it, and the cost of waiting.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::join_all;
use placet_bench::figures::{Decision, Figures, Spread, UnansweredWait};
use placet_bench::parked;
use serde_json::json;
use test_support::{Agent, Person, World};

use crate::spawn_all;

/// Waiters per review, and reviews that are decided within a second.
const WAITERS_AND_REVIEWS: [(usize, usize); 3] = [(1, 48), (100, 1), (1000, 1)];
/// How long the waits have lasted when the answer comes.
const WAIT_SECONDS: [u32; 3] = [1, 10, 25];
/// How long before its answer a review's page says that somebody is about to answer.
const SIGN_BEFORE: Duration = Duration::from_millis(700);
/// Unanswered waits that are measured.
const UNANSWERED_WAITS: usize = 200;
/// Waits whose memory and processor time are measured while they are held.
const PARKED_WAITS: usize = 1_000;

/// Measures memory, latencies and costs of waits.
pub async fn measure(figures: &mut Figures) {
    figures.parked = parked::measure(PARKED_WAITS).await;
    (figures.decisions, figures.held) = latencies().await;
}

async fn latencies() -> (Vec<Decision>, Vec<UnansweredWait>) {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let held = vec![unanswered_waits(&agent, &person, false).await, unanswered_waits(&agent, &person, true).await];
    let elsewhere = person.at(&world.second_instance().await);
    let mut decisions = vec![];
    for (waiters, reviews) in WAITERS_AND_REVIEWS {
        for (seconds_in, here) in WAIT_SECONDS.map(|seconds| (seconds, false)).into_iter().chain([(1, true)]) {
            let person = if here { &person } else { &elsewhere };
            for seen in [false, true] {
                // The shortest waits are measured several times: each costs only a second.
                let rounds = if seconds_in == 1 { 5 } else { 1 };
                let mut took = vec![];
                for round in 0..rounds {
                    let decided = (0..reviews).map(|nth| {
                        let after = Duration::from_secs(seconds_in.into()) + Duration::from_secs(1) * nth as u32 / 48;
                        // Waits that begin together poll together at first, so answers are spread over
                        // the polling interval.
                        let after = after + Duration::from_millis(21) * round;
                        decision_latencies(&agent, person, waiters, after, seen)
                    });
                    took.extend(join_all(decided).await.concat());
                }
                decisions.push(Decision { here, waiters, seconds_in, seen, latency: Spread::from_samples(took) });
            }
        }
    }
    (decisions, held)
}

/// The times from the answer's call to the return of each wait, in milliseconds.
async fn decision_latencies(agent: &Agent, person: &Person, waiters: usize, after: Duration, seen: bool) -> Vec<f64> {
    let id = create_review(agent, person, seen).await;
    let waits = spawn_all((0..waiters).map(|_| {
        let (agent, id) = (agent.clone(), id.clone());
        async move {
            let reply = agent.wait(&id, 29_000).await;
            assert_eq!(reply.json()["status"], "completed");
            Instant::now()
        }
    }));
    let answering = async {
        tokio::time::sleep(after.saturating_sub(SIGN_BEFORE)).await;
        if seen {
            // What the page of somebody who is about to answer sends.
            person.post(&format!("/api/messages/{id}/viewing"), json!({})).await.expect(204);
        }
        tokio::time::sleep(SIGN_BEFORE).await;
        let began = Instant::now();
        person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        began
    };
    let (returned, began) = tokio::join!(waits, answering);
    returned.into_iter().map(|at| (at - began).as_secs_f64() * 1000.0).collect()
}

async fn create_review(agent: &Agent, person: &Person, seen: bool) -> String {
    let id = agent.request_approval().await;
    if seen {
        assert_eq!(person.get(&format!("/reviews/{id}")).await.status, 200);
    }
    id
}

/// Measures waits that end by their timeout.
async fn unanswered_waits(agent: &Agent, person: &Person, seen: bool) -> UnansweredWait {
    // Each wait is for its own review: waits for the same review would poll together.
    let ids = join_all((0..UNANSWERED_WAITS).map(|_| create_review(agent, person, seen))).await;
    let cpu = ProcessTime::now();
    let replies = join_all(ids.iter().map(|id| agent.wait(id, 29_000))).await;
    let each = |sum: f64| sum / UNANSWERED_WAITS as f64;
    let costs: Vec<_> = replies.iter().map(|reply| reply.cost()).collect();
    UnansweredWait {
        seen,
        reads: each(costs.iter().map(|cost| f64::from(cost.calls)).sum()).round() as u32,
        read_units: each(costs.iter().map(|cost| cost.read_units).sum()).round(),
        cpu_ms: each(cpu.elapsed().as_secs_f64() * 1000.0),
    }
}
