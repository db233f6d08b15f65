//! `make bench`: measures the figures and writes docs/PERFORMANCE.md and docs/performance.json.
//!
//! Without arguments it measures all parts in about ten minutes. With names it measures only those
//! and keeps the other figures: `costs` (calls and units of each route, without a clock), `routes`
//! (the same, timed), `decisions`, `approvals`, `functions` (the zips of `make build`), `growth`.
//! `loop "GET /api/v1/agents"` calls one route for ten seconds, for a profiler, and prints its rate.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in measurements a panic is a failed run"
)]

mod approvals;
mod decisions;
mod functions;
mod growth;
mod machine;
mod routes;

use std::time::Instant;

use futures_util::future::join_all;
use placet_bench::figures::Figures;

/// The local runner's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [first, route] = &wanted[..]
        && first == "loop"
    {
        return println!("{:.0} a second", routes::call_in_loop(route).await);
    }
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|it| it == part);
    let began = Instant::now();
    let report = |part: &str| println!("{part}, after {} s", began.elapsed().as_secs());
    let mut figures = Figures::load();
    // Costs depend on no machine.
    if wanted != ["costs"] {
        figures.machine = machine::describe();
    }
    if wants("functions") {
        report("functions");
        functions::measure(&mut figures).await;
    }
    if wants("decisions") {
        report("decisions");
        decisions::measure(&mut figures).await;
    }
    if wants("costs") || wants("routes") {
        report("routes");
        figures.routes = routes::measure(wants("routes"), figures.routes).await;
    }
    if wants("approvals") {
        report("approvals");
        figures.approvals = Some(approvals::measure().await);
    }
    if wants("growth") {
        report("growth");
        figures.growth = growth::measure().await;
    }
    figures.save();
    report("written: docs/PERFORMANCE.md and docs/performance.json");
}

/// Runs each future as its own task, so that callers use all cores as the service does.
async fn spawn_all<T: Send + 'static>(tasks: impl IntoIterator<Item: Future<Output = T> + Send + 'static>) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    join_all(running).await.into_iter().map(|ended| ended.expect("the task ends")).collect()
}
