//! The same calls in places that are fuller.

use placet_tests::World;
use placet_tests::crowd::{self, Measured};
use placet_tests::performance::Growth;

pub async fn measure() -> Vec<Growth> {
    let world = World::embedded().await;
    let mut rows = vec![];
    let mut smallest: Option<Vec<Measured>> = None;
    for messages in [100, 10_000, 100_000] {
        let person = world.person().await;
        let agent = person.agent().await;
        crowd::fill(&world, &person, &agent, messages).await;
        let measured = steady(&person, &agent).await;
        rows.extend(compared(&format!("a channel of {messages} messages"), &measured, smallest.as_ref()));
        smallest.get_or_insert(measured);
    }
    let mut smallest: Option<Vec<Measured>> = None;
    for channels in [1, 10_000] {
        let person = world.person().await;
        let agent = person.agent().await;
        crowd::more_channels(&world, &agent, channels - 1).await;
        let measured = steady(&person, &agent).await;
        rows.extend(compared(&format!("one of {channels} channels"), &measured, smallest.as_ref()));
        smallest.get_or_insert(measured);
    }
    let mut smallest: Option<Vec<Measured>> = None;
    for pending in [1, 10_000] {
        let person = world.person().await;
        let (agent, other) = (person.agent().await, person.agent().await);
        let asked = other.asked().await;
        crowd::copy_many(&world, &[&asked], pending - 1).await;
        let measured = steady(&person, &agent).await;
        let what = format!("beside a channel with {pending} pending");
        rows.extend(compared(&what, &measured, smallest.as_ref()));
        smallest.get_or_insert(measured);
    }
    rows
}

/// Of five times that each was called the one of the middle.
async fn steady(person: &placet_tests::Person, agent: &placet_tests::Agent) -> Vec<Measured> {
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

fn compared(what: &str, measured: &[Measured], smallest: Option<&Vec<Measured>>) -> Vec<Growth> {
    let smallest = smallest.map_or(measured, Vec::as_slice);
    let pairs = measured.iter().zip(smallest);
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
