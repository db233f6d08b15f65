//! Each route of the contract: what it costs, how long it takes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use placet_bench::figures::{Route, Spread, Timed};
use test_support::World;
use test_support::route_costs::{self, PreparedCall, RouteCosts};

const AT_ONCE: usize = 32;
const ALONE: usize = 60;
/// Those that are slow by design, as a sign-in is.
const SLOW: Duration = Duration::from_millis(20);

/// All routes; those figures that are not taken now are kept.
pub async fn measure(timed: bool, kept: Vec<Route>) -> Vec<Route> {
    let world = World::embedded().await;
    let costs = RouteCosts::new(&world).await;
    let mut kept = kept.into_iter();
    let mut measured = vec![];
    for route in route_costs::routes() {
        let mut row = Route::of(route_costs::name(&route), costs.cost(&route).await);
        row.timed = match timed {
            true => Some(time(&route).await),
            false => kept.find(|it| it.name == row.name).and_then(|it| it.timed),
        };
        measured.push(row);
    }
    measured
}

/// Calls a route for ten seconds, eight at once; how often in a second.
pub async fn again_and_again(name: &str) -> f64 {
    const FOR: Duration = Duration::from_secs(10);
    let world = World::embedded().await;
    let costs = RouteCosts::new(&world).await;
    let route =
        route_costs::routes().into_iter().find(|route| route_costs::name(route) == name).expect("a route of the page");
    let began = Instant::now();
    let calls = (0..8).map(|_| async {
        let mut calls = 0;
        while began.elapsed() < FOR {
            costs.prepare(&route).await.send().await;
            calls += 1;
        }
        calls
    });
    f64::from(join_all(calls).await.into_iter().sum::<u32>()) / began.elapsed().as_secs_f64()
}

/// In a world of its own, where no other route left anything.
async fn time(route: &test_support::contract::Route) -> Timed {
    let world = World::embedded().await;
    let costs = &RouteCosts::new(&world).await;
    let (mut alone, mut cpu) = (vec![], vec![]);
    for _ in 0..ALONE {
        let (took, computed) = timed(costs.prepare(route).await).await;
        alone.push(took);
        cpu.push(computed);
        if alone.len() == ALONE / 4 && alone.iter().sum::<Duration>() / alone.len() as u32 > SLOW {
            break;
        }
    }
    let rounds = alone.len() / 6;
    let mut prepared = vec![];
    for _ in 0..rounds * AT_ONCE {
        prepared.push(costs.prepare(route).await);
    }
    let began = Instant::now();
    let calls = stream::iter(prepared).map(|ready| tokio::spawn(timed(ready))).buffer_unordered(AT_ONCE);
    let together: Vec<_> = calls.map(|ended| ended.expect("it ends").0).collect().await;
    let per_second = together.len() as f64 / began.elapsed().as_secs_f64();
    let cpu_ms = Spread::of(cpu.into_iter().map(millis).collect()).p50;
    let spread = |took: Vec<Duration>| Spread::of(took.into_iter().map(millis).collect());
    Timed { cpu_ms, alone: spread(alone), at_32: spread(together), per_second }
}

async fn timed(ready: PreparedCall) -> (Duration, Duration) {
    let began = Instant::now();
    let reply = ready.send().await;
    (began.elapsed(), reply.cpu())
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
