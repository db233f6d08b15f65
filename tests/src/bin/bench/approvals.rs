//! Whole approvals: asked, answered, and the answer back at the agent that waits for it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use placet_tests::performance::{Approvals, Spread};
use placet_tests::{Agent, Person, World};
use serde_json::json;

use crate::side_by_side;

const AT_ONCE: usize = 32;
const FOR: Duration = Duration::from_secs(15);

pub async fn measure() -> Approvals {
    let world = World::embedded().await;
    let person = world.person().await;
    let agents = join_all((0..AT_ONCE).map(|_| person.agent())).await;
    // Everything is warm before it counts.
    join_all(agents.iter().map(|agent| approval(agent, &person))).await;
    let began = Instant::now();
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
    Approvals { per_second: took.len() as f64 / began.elapsed().as_secs_f64(), latency: Spread::of(took) }
}

/// Milliseconds.
async fn approval(agent: &Agent, person: &Person) -> f64 {
    let began = Instant::now();
    let id = agent.asked().await;
    let answer = person.answer(&id, json!({ "selectedOption": "approve" }));
    let (waited, answered) = tokio::join!(agent.wait(&id, 29_000), answer);
    answered.expect(201);
    assert_eq!(waited.json()["status"], "completed");
    began.elapsed().as_secs_f64() * 1000.0
}
