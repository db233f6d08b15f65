//! `make bench`: measures what docs/PERFORMANCE.md says, and writes it and docs/performance.json.
//!
//! Without arguments all parts, about ten minutes; with names only those, the other figures stay:
//! `costs` (calls and units of each route: no clock), `routes` (the same, timed), `decisions`,
//! `approvals`, `functions` (what `make build` made), `growth`. `loop "GET /api/v1/agents"` only calls
//! one route for ten seconds, for a profiler to look at, and says how often it could.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program of figures"
)]

mod approvals;
mod decisions;
mod functions;
mod growth;
mod machine;
mod routes;
mod runtime_api;

use std::time::Instant;

use futures_util::future::join_all;
use placet_bench::figures::Figures;

/// The local runner's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [first, route] = &wanted[..]
        && first == "loop"
    {
        return println!("{:.0} a second", routes::again_and_again(route).await);
    }
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|it| it == part);
    let began = Instant::now();
    let said = |part: &str| println!("{part}, after {} s", began.elapsed().as_secs());
    let mut figures = Figures::kept();
    figures.machine = machine::this();
    if wants("functions") {
        said("functions");
        functions::measure(&mut figures).await;
    }
    if wants("decisions") {
        said("decisions");
        decisions::measure(&mut figures).await;
    }
    if wants("costs") || wants("routes") {
        said("routes");
        figures.routes = routes::measure(wants("routes"), figures.routes).await;
    }
    if wants("approvals") {
        said("approvals");
        figures.approvals = Some(approvals::measure().await);
    }
    if wants("growth") {
        said("growth");
        figures.growth = growth::measure().await;
    }
    figures.keep();
    said("written: docs/PERFORMANCE.md and docs/performance.json");
}

/// Each as a task of its own, so that callers use all cores as the service does.
async fn side_by_side<T: Send + 'static>(
    tasks: impl IntoIterator<Item: Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    join_all(running).await.into_iter().map(|ended| ended.expect("it ends")).collect()
}
