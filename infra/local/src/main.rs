//! `placet-local`: see `--help`.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use placet_local::runner::{self, options::Options};
use shared::telemetry::logging;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    logging::init_stderr(options.verbose);
    match runner::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            // If standard error is closed, the exit code still reports the failure.
            let _ = writeln!(std::io::stderr(), "placet-local: {err}");
            ExitCode::FAILURE
        }
    }
}
