//! Each route of the contract: what it costs, how long it takes.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use placet_tests::World;
use placet_tests::course::{self, Course, Ready};
use placet_tests::performance::{Route, Spread, Timed};

const AT_ONCE: usize = 32;
const ALONE: usize = 60;
/// Those that are slow by design, as a sign-in is.
const SLOW: Duration = Duration::from_millis(20);

/// All routes; those figures that are not taken now are kept.
pub async fn measure(timed: bool, kept: Vec<Route>) -> Vec<Route> {
    let world = World::embedded().await;
    let course = Course::new(&world).await;
    let mut kept = kept.into_iter();
    let mut measured = vec![];
    for route in course::routes() {
        let name = course::name(&route);
        course.ready(&route).await.go().await;
        let reply = course.ready(&route).await.go().await;
        let mut row = Route::of(name, reply.cost());
        row.timed = match timed {
            true => Some(time(&course, &route).await),
            false => kept.find(|it| it.name == row.name).and_then(|it| it.timed),
        };
        measured.push(row);
    }
    measured
}

async fn time(course: &Course<'_>, route: &placet_tests::contract::Route) -> Timed {
    let (mut alone, mut cpu) = (vec![], vec![]);
    for _ in 0..ALONE {
        let (took, computed) = timed(course.ready(route).await).await;
        alone.push(took);
        cpu.push(computed);
        if alone.len() == ALONE / 4 && alone.iter().sum::<Duration>() / alone.len() as u32 > SLOW {
            break;
        }
    }
    let rounds = alone.len() / 6;
    let mut prepared = vec![];
    for _ in 0..rounds * AT_ONCE {
        prepared.push(course.ready(route).await);
    }
    let began = Instant::now();
    let calls = stream::iter(prepared).map(timed).buffer_unordered(AT_ONCE);
    let together: Vec<_> = calls.map(|(took, _)| took).collect().await;
    let per_second = together.len() as f64 / began.elapsed().as_secs_f64();
    let cpu_ms = Spread::of(cpu.into_iter().map(millis).collect()).p50;
    let spread = |took: Vec<Duration>| Spread::of(took.into_iter().map(millis).collect());
    Timed { cpu_ms, alone: spread(alone), at_32: spread(together), per_second }
}

async fn timed(ready: Ready) -> (Duration, Duration) {
    let began = Instant::now();
    let reply = ready.go().await;
    (began.elapsed(), reply.cpu())
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
