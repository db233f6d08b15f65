//! Structured logs: JSON lines in Lambda, readable ones on a terminal.
//!
//! What may be in them: request and user ids, routes, durations, calls and capacity, and the
//! causes of 5xx. Never a key, token, password, body or file name.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// JSON lines on standard output, where Lambda collects them. A line within an invocation has its ids under `span`.
pub fn init_json() {
    json_lines(std::io::stdout).init();
}

/// The same, written elsewhere.
pub(crate) fn json_lines<W>(writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    lines.with_max_level(Level::INFO).with_writer(writer).finish()
}

/// Lines on standard error, for a person at a terminal. Warnings and errors only, or every request.
pub fn init_stderr(every_request: bool) {
    let level = if every_request { Level::INFO } else { Level::WARN };
    // The embedded engines warn about every failed condition, which is normal operation.
    let ours = Targets::new().with_default(level).with_targets([("dynoxide", Level::ERROR), ("s3s", Level::ERROR)]);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}
