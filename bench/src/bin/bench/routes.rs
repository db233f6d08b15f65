//! Cost and timing of each route of the contract.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use placet_bench::figures::{Route, RouteTiming, Spread};
use test_support::World;
use test_support::route_costs::{self, PreparedCall, RouteCosts};

/// Concurrent calls in the second measurement.
const CONCURRENCY: usize = 32;
/// Calls in the first measurement, one at a time.
const SEQUENTIAL_CALLS: usize = 60;
/// A route slower than this, such as a sign-in, is measured with fewer calls.
const SLOW_CALL: Duration = Duration::from_millis(20);

/// Measures the cost of all routes and, if `timed`, their timing; otherwise keeps the earlier timing.
pub async fn measure(timed: bool, earlier: Vec<Route>) -> Vec<Route> {
    let world = World::embedded().await;
    let costs = RouteCosts::new(&world).await;
    let mut measured = vec![];
    for route in route_costs::routes() {
        let mut row = Route::new(route_costs::name(&route), costs.cost(&route).await);
        row.timed = match timed {
            true => Some(time_route(&route).await),
            false => earlier.iter().find(|it| it.name == row.name).and_then(|it| it.timed),
        };
        measured.push(row);
    }
    measured
}

/// Calls a route for ten seconds, eight at a time; returns its calls per second.
pub async fn call_in_loop(name: &str) -> f64 {
    const MEASURED_TIME: Duration = Duration::from_secs(10);
    let world = World::embedded().await;
    let costs = RouteCosts::new(&world).await;
    let route = route_costs::routes()
        .into_iter()
        .find(|route| route_costs::name(route) == name)
        .expect("a route named as on the page");
    let began = Instant::now();
    let calls = (0..8).map(|_| async {
        let mut calls = 0;
        while began.elapsed() < MEASURED_TIME {
            costs.prepare(&route).await.send().await;
            calls += 1;
        }
        calls
    });
    f64::from(join_all(calls).await.into_iter().sum::<u32>()) / began.elapsed().as_secs_f64()
}

/// Times a route in its own world, without the data of other routes.
async fn time_route(route: &test_support::contract::Route) -> RouteTiming {
    let world = World::embedded().await;
    let costs = &RouteCosts::new(&world).await;
    let (mut alone, mut cpu) = (vec![], vec![]);
    for _ in 0..SEQUENTIAL_CALLS {
        let (took, computed) = time_call(costs.prepare(route).await).await;
        alone.push(took);
        cpu.push(computed);
        if alone.len() == SEQUENTIAL_CALLS / 4 && alone.iter().sum::<Duration>() / alone.len() as u32 > SLOW_CALL {
            break;
        }
    }
    let rounds = alone.len() / 6;
    let mut prepared = vec![];
    for _ in 0..rounds * CONCURRENCY {
        prepared.push(costs.prepare(route).await);
    }
    let began = Instant::now();
    let calls = stream::iter(prepared).map(|ready| tokio::spawn(time_call(ready))).buffer_unordered(CONCURRENCY);
    let together: Vec<_> = calls.map(|ended| ended.expect("the call ends").0).collect().await;
    let per_second = together.len() as f64 / began.elapsed().as_secs_f64();
    let cpu_ms = Spread::from_samples(cpu.into_iter().map(millis).collect()).p50;
    let spread = |took: Vec<Duration>| Spread::from_samples(took.into_iter().map(millis).collect());
    RouteTiming { cpu_ms, alone: spread(alone), at_32: spread(together), per_second }
}

async fn time_call(ready: PreparedCall) -> (Duration, Duration) {
    let began = Instant::now();
    let reply = ready.send().await;
    (began.elapsed(), reply.cpu())
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
