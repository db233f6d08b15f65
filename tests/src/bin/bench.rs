//! `make bench`: how long from a person's answer being sent to an agent's wait having it.
//!
//! 200 rounds with 1 and with 100 waiters on one review, on the embedded engine, beside the round
//! trip of the storage alone in the same run. Figures are milliseconds. Then what calls cost on a
//! channel of 100 messages and on one of 100,000: DynamoDB calls, capacity units, milliseconds.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use placet_tests::{Agent, Person, World, crowd};
use serde_json::json;
use shared::ids::MessageId;

const ROUNDS: usize = 200;

#[tokio::main]
async fn main() {
    let world = World::embedded().await;
    let person = world.person().await;
    let agent = person.agent().await;
    println!("{:<38}{:>9}{:>9}{:>9}", "milliseconds", "p50", "p95", "p99");
    print("storage round trip (one read)", storage(&world, &agent).await);
    for waiters in [1, 100] {
        let (first, last) = decisions(&agent, &person, waiters).await;
        print(&format!("decision latency, {waiters} waiting, first"), first);
        print(&format!("decision latency, {waiters} waiting, last"), last);
    }
    growth(&world, &person).await;
}

/// The same calls on a small channel and on a large one, which cost the same.
async fn growth(world: &World, person: &Person) {
    let mut measured = vec![];
    for messages in [100, 100_000] {
        let agent = person.agent().await;
        let began = Instant::now();
        crowd::fill(world, person, &agent, messages).await;
        let filled = began.elapsed().as_secs_f64();
        println!("\n{:<38}{:>9}{:>9}{:>9}", format!("a channel of {messages} messages"), "calls", "units", "ms");
        let costs = crowd::measure(person, &agent).await;
        for (name, cost, took) in &costs {
            println!("{name:<38}{:>9}{:>9.1}{:>9.1}", cost.calls, cost.units, took.as_secs_f64() * 1000.0);
        }
        println!("(filled in {filled:.1} s)");
        measured.push(costs);
    }
    crowd::assert_alike(&measured[0], &measured[1]);
    println!("\ncalls and units are the same on both");
}

/// The read that a wait makes, through the SDK.
async fn storage(world: &World, agent: &Agent) -> Vec<Duration> {
    let caller = agent.as_caller();
    let id: MessageId = agent.asked().await.parse().unwrap();
    let (channel, _) = world.app.store.open_message(&caller, Some(id.channel()), Some(id)).await.unwrap();
    let mut took = vec![];
    for _ in 0..ROUNDS {
        let began = Instant::now();
        world.app.store.look(&channel, id, false).await.unwrap();
        took.push(began.elapsed());
    }
    took
}

/// From the answer being sent to the first, and to the last, of the waits having returned it.
async fn decisions(agent: &Agent, person: &Person, waiters: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut first, mut last) = (vec![], vec![]);
    for round in 0..ROUNDS {
        let id = agent.asked().await;
        let waits = join_all((0..waiters).map(|_| async {
            let reply = agent.wait(&id, 29_000).await;
            assert_eq!(reply.json()["status"], "completed");
            Instant::now()
        }));
        let answering = async {
            // Answers come at no particular moment of the waits' rhythm.
            tokio::time::sleep(Duration::from_millis(400 + (round * 37 % 100) as u64)).await;
            let began = Instant::now();
            person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
            began
        };
        let (returned, began) = tokio::join!(waits, answering);
        first.push(*returned.iter().min().unwrap() - began);
        last.push(*returned.iter().max().unwrap() - began);
    }
    (first, last)
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_secs_f64() * 1000.0;
    println!("{what:<38}{:>9.1}{:>9.1}{:>9.1}", at(50), at(95), at(99));
}
