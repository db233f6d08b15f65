//! How soon an answer is back at whoever waits for it, and what waiting costs.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::join_all;
use placet_tests::performance::{Decision, Held, Spread};
use placet_tests::{Agent, Person, World};
use serde_json::json;

/// How many wait for one review, and over how many reviews that are decided within a second.
const CROWDS: [(usize, usize); 3] = [(1, 48), (100, 1), (1000, 1)];
const SECONDS_IN: [u32; 3] = [1, 10, 25];
const HELD: usize = 200;

pub async fn measure() -> (Vec<Decision>, Vec<Held>) {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let held = vec![held(&agent, &person, false).await, held(&agent, &person, true).await];
    let elsewhere = person.at(&world.elsewhere().await);
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
    let waits = join_all((0..waiters).map(|_| async {
        let reply = agent.wait(&id, 29_000).await;
        assert_eq!(reply.json()["status"], "completed");
        Instant::now()
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
    let id = agent.asked().await;
    if seen {
        assert_eq!(person.get(&format!("/reviews/{id}")).await.status, 200);
    }
    id
}

/// Waits until time is up.
async fn held(agent: &Agent, person: &Person, seen: bool) -> Held {
    let id = asked(agent, person, seen).await;
    let cpu = ProcessTime::now();
    let replies = join_all((0..HELD).map(|_| agent.wait(&id, 29_000))).await;
    let each = |sum: f64| sum / HELD as f64;
    let costs: Vec<_> = replies.iter().map(|reply| reply.cost()).collect();
    Held {
        seen,
        reads: each(costs.iter().map(|cost| f64::from(cost.calls)).sum()).round() as u32,
        read_units: each(costs.iter().map(|cost| cost.read_units).sum()).round(),
        cpu_ms: each(cpu.elapsed().as_secs_f64() * 1000.0),
    }
}
