//! `make soak`: measures at full size how the load of one caller delays others on the local runner, and how
//! long pages with hostile texts take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the figures are the program's output"
)]

use std::process::ExitCode;
use std::time::Duration;

use placet_bench::fairness::{LoadMeasurement, LoadSize, measure, sign_in_among};
use placet_bench::rendering;
use test_support::Runner;

/// The smallest base of the latency bound: faster times are noise.
const MIN_BASE: Duration = Duration::from_millis(10);
/// The longest allowed time from an answer to its webhook.
const MAX_WEBHOOK_DELAY: Duration = Duration::from_secs(2);
/// The most resident memory of the runner, in MiB.
const MAX_MEMORY: u64 = 300;
/// The longest allowed time of a page.
const MAX_PAGE_TIME: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> ExitCode {
    placet_local::server::file_descriptors::raise_limit();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runner = Runner::start_delivering(dir.path()).await;
    let size = if std::env::args().any(|it| it == "--tenth") { LoadSize::TENTH } else { LoadSize::FULL };
    let measured = measure(&runner, size).await;
    let max_p99 = 3 * measured[0].p99.max(MIN_BASE);
    println!("{:12} {:>9} {:>9} {:>10} {:>8}", "load", "p50 ms", "p99 ms", "webhook ms", "MiB");
    let mut within_bounds = true;
    for LoadMeasurement { load, p50, p99, webhook, memory } in measured {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let is_fair = p99 <= max_p99 && webhook <= MAX_WEBHOOK_DELAY && memory <= MAX_MEMORY;
        let verdict = if is_fair { "" } else { "  over a bound" };
        println!("{load:12} {:9.1} {:9.1} {:10.0} {memory:8}{verdict}", ms(p50), ms(p99), ms(webhook));
        within_bounds &= is_fair;
    }
    let sign_in = sign_in_among(&runner, size.sign_ins).await;
    println!("sign-ins among {} with unknown addresses: {:.1} s", size.sign_ins, sign_in.as_secs_f64());
    println!(
        "bounds: p99 {max_p99:?} (3 x quiet, quiet at least {MIN_BASE:?}), webhook {MAX_WEBHOOK_DELAY:?}, {MAX_MEMORY} MiB"
    );
    let pages = rendering::measure(&runner).await;
    for page in pages.iter().take(5) {
        println!("{:6.0} ms  {}: {}", page.took.as_secs_f64() * 1000.0, page.page, page.shape);
    }
    println!("{} pages of hostile texts, bound {MAX_PAGE_TIME:?}", pages.len());
    within_bounds &= pages[0].took <= MAX_PAGE_TIME;
    if within_bounds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
