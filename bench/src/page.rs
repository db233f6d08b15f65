//! Renders the figures as docs/PERFORMANCE.md.

use std::fmt::Write;

use crate::figures::{Approvals, Figures, Function, Machine, Runner, UnansweredWait};
use crate::parked::ParkedWaits;

/// What `make side-by-side` prints, as it was last measured.
const SIDE_BY_SIDE: &str = include_str!("side_by_side.md");

impl Figures {
    /// The text of docs/PERFORMANCE.md.
    pub fn render_page(&self) -> String {
        let Machine { processor, cores, memory_gb, date, commit } = &self.machine;
        let mut page = format!(
            "# Performance\n\n\
             Written by `make bench`, with [performance.json](performance.json), on {date} at commit {commit}, on \
             {cores} cores of {processor} with {memory_gb:.0} GB. The release build is optimised for speed and runs on the embedded \
             engine; the figures of the functions are from their zips, which are optimised for size. Client, service and \
             engine share the cores, and every latency includes the client's own time. Timings differ between machines, so \
             no test asserts them. Calls, units, growth and sizes do not differ, and `tests/http/contract/performance.rs` \
             asserts them.\n"
        );
        self.write_routes(&mut page);
        self.write_decisions(&mut page);
        self.write_starts(&mut page);
        self.write_growth(&mut page);
        page.push_str(SIDE_BY_SIDE);
        page
    }

    fn write_routes(&self, page: &mut String) {
        write_section(
            page,
            "Routes",
            "The cost of one call of each route before its response: DynamoDB calls, sequential round trips, capacity \
             units read and written, calls of S3; the handler's CPU time; the latency of single calls and with 32 calls \
             in flight, in milliseconds, and the calls per second then. The channel has 90 messages and 10 pending reviews. \
             The log entry and the counts of a call are written in the background and are not included.",
            &[
                "route",
                "calls",
                "round trips",
                "read",
                "written",
                "S3",
                "CPU ms",
                "p50",
                "p99",
                "p50 at 32",
                "p99 at 32",
                "per second",
            ],
            self.routes.iter().map(|it| {
                let mut cells = vec![
                    format!("`{}`", it.name),
                    it.dynamodb_calls.to_string(),
                    it.round_trips.to_string(),
                    it.read_units.to_string(),
                    it.write_units.to_string(),
                    it.s3_calls.to_string(),
                ];
                cells.extend(it.timed.iter().flat_map(|it| {
                    let spreads = [it.alone.p50, it.alone.p99, it.at_32.p50, it.at_32.p99].map(|ms| format!("{ms:.1}"));
                    [format!("{:.2}", it.cpu_ms)].into_iter().chain(spreads).chain([format!("{:.0}", it.per_second)])
                }));
                cells
            }),
        );
    }

    fn write_decisions(&self, page: &mut String) {
        write_section(
            page,
            "Decisions",
            "The time from a person's answer to the return of a wait, over all waiters, in milliseconds: by the number of \
             waiters for the same review, how long they have waited, and whether the review was opened, as it is when a \
             person answers in the inbox. If the process that holds the wait also stores the answer, as on the local runner, \
             the wait returns at once (*here*). On Lambda another process stores it, and the waits find out by polling \
             (*elsewhere*): one waiter polls for all waiters of its process.",
            &["answered", "waiters", "seconds in", "opened", "p50", "p95", "p99"],
            self.decisions.iter().map(|it| {
                let place = if it.here { "here" } else { "elsewhere" }.to_owned();
                let mut cells = vec![place, it.waiters.to_string(), it.seconds_in.to_string(), yes_or_no(it.seen)];
                cells.extend([it.latency.p50, it.latency.p95, it.latency.p99].map(|ms| format!("{ms:.0}")));
                cells
            }),
        );
        write_section(
            page,
            "Waits that nobody answers",
            "The cost of each of 200 waits of 29 s, each for its own review: reads, read units, and CPU time including the \
             engine's and the client's. Waits for the same review in one process poll together, at most fifty times a \
             second, except for the first and last read of each.",
            &["opened", "reads", "read units", "CPU ms"],
            self.held.iter().map(|it| {
                let UnansweredWait { seen, reads, read_units, cpu_ms } = it;
                vec![yes_or_no(*seen), reads.to_string(), read_units.to_string(), format!("{cpu_ms:.1}")]
            }),
        );
        let ParkedWaits { count, kib_each, cores } = self.parked;
        if count > 0 {
            let _ = write!(
                page,
                "\nOn the local runner, {count} held waits take {kib_each:.0} KiB each, including the connection, and together \
                 {cores:.3} cores.\n"
            );
        }
        if let Some(Approvals { per_second, latency, cores, engine_busy }) = &self.approvals {
            let _ = write!(
                page,
                "\n## Whole approvals\n\nAn agent asks, a person answers, and the agent's wait returns the answer; 32 at a time: \
                 **{per_second:.0} a second**, with a latency of {:.0} ms at the median and {:.0} ms at p99. This used {cores:.1} of \
                 {} cores; the embedded engine, which serves one call at a time, was busy {:.0} % of the time.\n",
                latency.p50,
                latency.p99,
                self.machine.cores,
                engine_busy * 100.0
            );
        }
    }

    fn write_starts(&self, page: &mut String) {
        write_section(
            page,
            "Starts",
            "Each deployed function: its zip, the time from the start of its process to its first request to the Lambda \
             runtime API (median of 30), that time as a multiple of a bare function's (`hello`), and its resident memory \
             then.",
            &["function", "zip, MB", "start, ms", "x bare function", "at rest, MB"],
            self.functions.iter().map(|it| {
                let Function { name, zip_bytes, start_ms, start_ratio, rest_mb } = it;
                let megabytes = *zip_bytes as f64 / 1e6;
                vec![
                    name.clone(),
                    format!("{megabytes:.2}"),
                    format!("{start_ms:.1}"),
                    format!("{start_ratio:.2}"),
                    format!("{rest_mb:.1}"),
                ]
            }),
        );
        if let Some(Runner { first_200_ms, rest_mb }) = &self.runner {
            let _ = write!(
                page,
                "\nThe local runner answers its first call {first_200_ms:.0} ms after its start on an empty directory, and \
                 uses {rest_mb:.0} MB then.\n"
            );
        }
        write_section(
            page,
            "Memory",
            "The peak memory of a function's process during one call.",
            &["call", "MB"],
            self.memory.iter().map(|it| vec![it.what.clone(), format!("{:.1}", it.peak_mb)]),
        );
    }

    fn write_growth(&self, page: &mut String) {
        write_section(
            page,
            "Growth",
            "The same calls on more and more data, each with its ratio to the smallest data.",
            &["in", "call", "calls", "units", "ms", "calls ratio", "units ratio", "ms ratio"],
            self.growth.iter().map(|it| {
                vec![
                    it.what.clone(),
                    it.call.clone(),
                    it.dynamodb_calls.to_string(),
                    it.units.to_string(),
                    format!("{:.1}", it.ms),
                    format!("{:.2}", it.calls_ratio),
                    format!("{:.2}", it.units_ratio),
                    format!("{:.2}", it.ms_ratio),
                ]
            }),
        );
    }
}

fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// Appends a heading, a paragraph and a table; nothing when there are no rows.
fn write_section(
    page: &mut String,
    title: &str,
    text: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let columns: Vec<String> = columns.iter().map(|&it| it.to_owned()).collect();
    let rule = "| --- ".to_owned() + &"| ---: ".repeat(columns.len() - 1) + "|\n";
    let _ = write!(page, "\n## {title}\n\n{text}\n\n{}{rule}", line(&columns));
    for row in rows {
        page.push_str(&line(&row));
    }
}
