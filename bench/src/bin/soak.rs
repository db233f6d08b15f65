//! `make soak`: measures at full size how the load of one caller delays others on the local runner, how much memory
//! and processor time held waits cost, and how long pages with hostile texts take. `soak --tenth` measures at a tenth of the size,
//! `soak waits bodies` only these loads.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the figures are the program's output"
)]

use std::process::ExitCode;
use std::time::Duration;

use placet_bench::fairness::{LOADS, LoadMeasurement, LoadSize, measure, sign_in_among};
use placet_bench::{parked, rendering};
use test_support::Runner;

/// The smallest base of the latency bound: faster times are noise.
const MIN_BASE: Duration = Duration::from_millis(10);
/// The longest allowed time from an answer to its webhook.
const MAX_WEBHOOK_DELAY: Duration = Duration::from_secs(2);
/// The most resident memory of the runner, in MiB.
const MAX_MEMORY: u64 = 300;
/// How many times longer a page may take while another caller holds waits.
const MAX_PAGE_RATIO: f64 = 2.0;
/// The most resident memory of one held wait, in KiB.
const MAX_WAIT_KIB: f64 = 64.0;
/// The most processor time of all held waits, in cores.
const MAX_WAIT_CORES: f64 = 0.05;
/// The longest allowed time of a page with a hostile text.
const MAX_PAGE_TIME: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> ExitCode {
    placet_local::server::file_descriptors::raise_limit();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runner = Runner::start_delivering(dir.path()).await;
    let size = if std::env::args().any(|it| it == "--tenth") { LoadSize::TENTH } else { LoadSize::FULL };
    let named: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let is_measured = |load: &&'static str| named.is_empty() || named.iter().any(|it| it == load);
    let loads: Vec<&'static str> = LOADS.into_iter().filter(is_measured).collect();
    let measured = measure(&runner, size, &loads).await;
    let quiet = measured[0].clone();
    let max_p99 = 3 * quiet.p99.max(MIN_BASE);
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("{:12} {:>9} {:>9} {:>12} {:>10} {:>8}", "load", "p50 ms", "p99 ms", "page p99 ms", "webhook ms", "MiB");
    let mut within_bounds = true;
    for LoadMeasurement { load, p50, p99, page_p99, webhook, memory } in measured {
        let is_page_fair = load != "waits" || page_p99 <= quiet.page_p99.mul_f64(MAX_PAGE_RATIO);
        let is_fair = p99 <= max_p99 && is_page_fair && webhook <= MAX_WEBHOOK_DELAY && memory <= MAX_MEMORY;
        let verdict = if is_fair { "" } else { "  over a bound" };
        let (p50, p99, page, webhook) = (ms(p50), ms(p99), ms(page_p99), ms(webhook));
        println!("{load:12} {p50:9.1} {p99:9.1} {page:12.1} {webhook:10.0} {memory:8}{verdict}");
        within_bounds &= is_fair;
    }
    let sign_in = sign_in_among(&runner, size.sign_ins).await;
    println!("sign-ins among {} with unknown addresses: {:.1} s", size.sign_ins, sign_in.as_secs_f64());
    println!(
        "bounds: p99 {max_p99:?} (3 x quiet, quiet at least {MIN_BASE:?}), a page during waits {MAX_PAGE_RATIO} x quiet, \
         webhook {MAX_WEBHOOK_DELAY:?}, {MAX_MEMORY} MiB"
    );
    let waits = parked::measure(size.waits / 2).await;
    println!(
        "{} held waits: {:.1} KiB each, {:.3} cores; bounds: {MAX_WAIT_KIB} KiB, {MAX_WAIT_CORES} cores",
        waits.count, waits.kib_each, waits.cores
    );
    within_bounds &= waits.kib_each <= MAX_WAIT_KIB && waits.cores <= MAX_WAIT_CORES;
    let pages = rendering::measure(&runner).await;
    for page in pages.iter().take(5) {
        println!("{:6.0} ms  {}: {}", page.took.as_secs_f64() * 1000.0, page.page, page.shape);
    }
    println!("{} pages of hostile texts, bound {MAX_PAGE_TIME:?}", pages.len());
    within_bounds &= pages[0].took <= MAX_PAGE_TIME;
    if within_bounds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
