//! The same calls in places that are fuller.

use placet_bench::figures::Growth;
use test_support::bulk_data::{self, CallMeasurement, NamedCall};
use test_support::{Agent, Person, World};

/// How often every place is gone round, so that none has another moment than the others.
const ROUNDS: usize = 5;
/// How often a call is made in each round; one that holds is made once.
const EACH: usize = 9;

pub async fn measure() -> Vec<Growth> {
    let world = World::embedded().await;
    let (mut messages, mut channels, mut pending) = (vec![], vec![], vec![]);
    for count in [100, 10_000, 100_000] {
        let (person, agent) = newcomer(&world).await;
        bulk_data::fill_channel(&world, &person, &agent, count).await;
        messages.push(Place::new(format!("a channel of {count} messages"), &person, agent).await);
    }
    for count in [1, 10_000] {
        let (person, agent) = newcomer(&world).await;
        bulk_data::copy_channels(&world, &agent, count - 1).await;
        channels.push(Place::new(format!("one of {count} channels"), &person, agent).await);
    }
    for count in [1, 10_000] {
        let (person, agent) = newcomer(&world).await;
        let asked = person.agent().await.request_approval().await;
        bulk_data::copy_messages(&world, &[&asked], count - 1).await;
        pending.push(Place::new(format!("beside a channel with {count} pending"), &person, agent).await);
    }
    for _ in 0..ROUNDS {
        for place in [&mut messages, &mut channels, &mut pending].into_iter().flatten() {
            place.go_round().await;
        }
    }
    let rows = |places: Vec<Place>| {
        let emptiest = places[0].middle();
        places.into_iter().flat_map(move |place| compared(&place.what, &place.middle(), &emptiest))
    };
    [messages, channels, pending].into_iter().flat_map(rows).collect()
}

async fn newcomer(world: &World) -> (Person, Agent) {
    let person = world.person().await;
    let agent = person.agent().await;
    (person, agent)
}

/// One of several that differ in how full they are, and what was measured there.
struct Place {
    what: String,
    agent: Agent,
    calls: Vec<(NamedCall, Vec<CallMeasurement>)>,
}

impl Place {
    async fn new(what: String, person: &Person, agent: Agent) -> Self {
        let calls = bulk_data::everyday_calls(person, &agent).await.into_iter().map(|call| (call, vec![])).collect();
        Self { what, agent, calls }
    }

    async fn go_round(&mut self) {
        for (call, measured) in &mut self.calls {
            let times = if call.0.ends_with("timeout") { 1 } else { EACH };
            for _ in 0..times {
                measured.push(bulk_data::measure_call(&self.agent, call).await);
            }
        }
    }

    /// Of each call the time of the middle, and its first cost: those of a call that does not hold are all alike.
    fn middle(&self) -> Vec<CallMeasurement> {
        let middle = |(_, measured): &(NamedCall, Vec<CallMeasurement>)| {
            let mut took: Vec<_> = measured.iter().map(|it| it.2).collect();
            took.sort();
            let (name, cost, _) = measured[0];
            let alike = measured.iter().all(|it| it.1 == cost);
            assert!(alike || name.ends_with("timeout"), "{}: {name}: {measured:?}", self.what);
            (name, cost, took[took.len() / 2])
        };
        self.calls.iter().map(middle).collect()
    }
}

fn compared(what: &str, measured: &[CallMeasurement], emptiest: &[CallMeasurement]) -> Vec<Growth> {
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
