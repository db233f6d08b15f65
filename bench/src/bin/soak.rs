//! `make soak`: whether one caller can stop the others, measured on the local runner at full size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "the figures are for people")]

use std::process::ExitCode;
use std::time::Duration;

use placet_bench::fairness::{LoadMeasurement, Size, measure, sign_in_among};
use test_support::Runner;

/// What is quicker than this counts as this: below it is noise.
const FLOOR: Duration = Duration::from_millis(10);
const WEBHOOK: Duration = Duration::from_secs(2);
const MEMORY: u64 = 600;

#[tokio::main]
async fn main() -> ExitCode {
    placet_local::server::file_descriptors::raise_limit();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runner = Runner::start_delivering(dir.path()).await;
    let size = if std::env::args().any(|it| it == "--tenth") { Size::TENTH } else { Size::WHOLE };
    let measured = measure(&runner, size).await;
    let most = 3 * measured[0].p99.max(FLOOR);
    println!("{:12} {:>9} {:>9} {:>10} {:>8}", "load", "p50 ms", "p99 ms", "webhook ms", "MiB");
    let mut held = true;
    for LoadMeasurement { load, p50, p99, webhook, memory } in measured {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let is_fair = p99 <= most && webhook <= WEBHOOK && memory <= MEMORY;
        let verdict = if is_fair { "" } else { "  too much" };
        println!("{load:12} {:9.1} {:9.1} {:10.0} {memory:8}{verdict}", ms(p50), ms(p99), ms(webhook));
        held &= is_fair;
    }
    let sign_in = sign_in_among(&runner, size.sign_ins).await;
    println!("sign-ins among {} with unknown addresses: {:.1} s", size.sign_ins, sign_in.as_secs_f64());
    println!("bounds: p99 {most:?} (3 x quiet, at least {FLOOR:?}), webhook {WEBHOOK:?}, {MEMORY} MiB");
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
