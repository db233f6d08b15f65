//! The cost of the same calls on more and more data.

use placet_bench::figures::Growth;
use serde_json::json;
use test_support::bulk_data::{self, CallMeasurement, NamedCall};
use test_support::{Agent, Person, World};

/// Rounds over all scenarios, so that other load on the machine affects all alike.
const ROUNDS: usize = 5;
/// Calls per round; a call that is held is made once.
const CALLS_PER_ROUND: usize = 9;

pub async fn measure() -> Vec<Growth> {
    let world = World::embedded().await;
    let (mut messages, mut channels) = (vec![], vec![]);
    for count in [100, 10_000, 100_000] {
        let (person, agent) = new_actors(&world).await;
        bulk_data::fill_channel(&world, &person, &agent, count).await;
        messages.push(Scenario::new(format!("a channel of {count} messages"), &person, agent).await);
    }
    for count in [1, 10_000] {
        let (person, agent) = new_actors(&world).await;
        bulk_data::copy_channels(&world, &agent, count - 1).await;
        channels.push(Scenario::new(format!("one of {count} channels"), &person, agent).await);
    }
    let mut pending = next_to_reviews(&world, [1, 10_000], false).await;
    let mut answered = next_to_reviews(&world, [1, 100_000], true).await;
    for _ in 0..ROUNDS {
        for scenario in [&mut messages, &mut channels, &mut pending, &mut answered].into_iter().flatten() {
            scenario.measure_round().await;
        }
    }
    let rows = |scenarios: Vec<Scenario>| {
        let smallest = scenarios[0].medians();
        scenarios.into_iter().flat_map(move |it| compare(&it.what, &it.medians(), &smallest))
    };
    [messages, channels, pending, answered].into_iter().flat_map(rows).collect()
}

/// Channels of people who have a second one with so many reviews.
async fn next_to_reviews(world: &World, counts: [usize; 2], are_answered: bool) -> Vec<Scenario> {
    let mut scenarios = vec![];
    for count in counts {
        let (person, agent) = new_actors(world).await;
        let review = person.agent().await.request_approval().await;
        if are_answered {
            person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
        }
        bulk_data::copy_messages(world, &[&review], count - 1).await;
        let status = if are_answered { "answered" } else { "pending" };
        scenarios.push(Scenario::new(format!("next to a channel with {count} {status}"), &person, agent).await);
    }
    scenarios
}

async fn new_actors(world: &World) -> (Person, Agent) {
    let person = world.person().await;
    let agent = person.agent().await;
    (person, agent)
}

/// A data size, and the measurements on it.
struct Scenario {
    what: String,
    agent: Agent,
    calls: Vec<(NamedCall, Vec<CallMeasurement>)>,
}

impl Scenario {
    async fn new(what: String, person: &Person, agent: Agent) -> Self {
        let calls = bulk_data::everyday_calls(person, &agent).await.into_iter().map(|call| (call, vec![])).collect();
        Self { what, agent, calls }
    }

    async fn measure_round(&mut self) {
        for (call, measured) in &mut self.calls {
            let times = if call.0.ends_with("timeout") { 1 } else { CALLS_PER_ROUND };
            for _ in 0..times {
                measured.push(bulk_data::measure_call(&self.agent, call).await);
            }
        }
    }

    /// Each call's median time and its cost, which is equal in all rounds unless the call is held.
    fn medians(&self) -> Vec<CallMeasurement> {
        let median = |(_, measured): &(NamedCall, Vec<CallMeasurement>)| {
            let mut took: Vec<_> = measured.iter().map(|it| it.2).collect();
            took.sort();
            let (name, cost, _) = measured[0];
            let equal = measured.iter().all(|it| it.1 == cost);
            assert!(equal || name.ends_with("timeout"), "{}: {name}: {measured:?}", self.what);
            (name, cost, took[took.len() / 2])
        };
        self.calls.iter().map(median).collect()
    }
}

fn compare(what: &str, measured: &[CallMeasurement], smallest: &[CallMeasurement]) -> Vec<Growth> {
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
