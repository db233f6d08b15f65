//! The same calls in places that are fuller.

use placet_tests::crowd::{self, Measured};
use placet_tests::performance::Growth;
use placet_tests::{Agent, Person, World};

pub async fn measure() -> Vec<Growth> {
    let world = World::embedded().await;
    let (mut messages, mut channels, mut pending) = (Family::default(), Family::default(), Family::default());
    for count in [100, 10_000, 100_000] {
        let (person, agent) = newcomer(&world).await;
        crowd::fill(&world, &person, &agent, count).await;
        messages.add(&format!("a channel of {count} messages"), steady(&person, &agent).await);
    }
    for count in [1, 10_000] {
        let (person, agent) = newcomer(&world).await;
        crowd::more_channels(&world, &agent, count - 1).await;
        channels.add(&format!("one of {count} channels"), steady(&person, &agent).await);
    }
    for count in [1, 10_000] {
        let (person, agent) = newcomer(&world).await;
        let asked = person.agent().await.asked().await;
        crowd::copy_many(&world, &[&asked], count - 1).await;
        pending.add(&format!("beside a channel with {count} pending"), steady(&person, &agent).await);
    }
    [messages.rows, channels.rows, pending.rows].into_iter().flatten().collect()
}

async fn newcomer(world: &World) -> (Person, Agent) {
    let person = world.person().await;
    let agent = person.agent().await;
    (person, agent)
}

/// Places that differ in how full they are, the emptiest first.
#[derive(Default)]
struct Family {
    emptiest: Option<Vec<Measured>>,
    rows: Vec<Growth>,
}

impl Family {
    fn add(&mut self, what: &str, measured: Vec<Measured>) {
        let emptiest = self.emptiest.get_or_insert_with(|| measured.clone());
        self.rows.extend(compared(what, &measured, emptiest));
    }
}

/// Of five times that each was called the one of the middle.
async fn steady(person: &Person, agent: &Agent) -> Vec<Measured> {
    let mut times = vec![];
    for _ in 0..5 {
        times.push(crowd::measure(person, agent).await);
    }
    let mut middle = times[0].clone();
    for (nth, (_, _, took)) in middle.iter_mut().enumerate() {
        let mut all: Vec<_> = times.iter().map(|measured| measured[nth].2).collect();
        all.sort();
        *took = all[all.len() / 2];
    }
    middle
}

fn compared(what: &str, measured: &[Measured], emptiest: &[Measured]) -> Vec<Growth> {
    let pairs = measured.iter().zip(emptiest);
    let rows = pairs.map(|((call, cost, took), (_, least, least_took))| Growth {
        what: what.to_owned(),
        call: (*call).to_owned(),
        dynamodb_calls: cost.calls,
        units: cost.units(),
        ms: took.as_secs_f64() * 1000.0,
        calls_ratio: f64::from(cost.calls) / f64::from(least.calls),
        units_ratio: cost.units() / least.units(),
        ms_ratio: took.as_secs_f64() / least_took.as_secs_f64(),
    });
    rows.collect()
}
