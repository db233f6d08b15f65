//! The figures of docs/PERFORMANCE.md: measured by `make bench`, stored in docs/performance.json, and
//! rendered as the page. Tests assert the figures that need no clock.

use std::fmt::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use test_support::Cost;

/// The largest zip of a function.
pub const MAX_ZIP_BYTES: u64 = 4_000_000;
/// The longest start of a function, as a multiple of a bare function's.
pub const MAX_START_RATIO: f64 = 2.0;
/// The most resident memory of a function after its start.
pub const MAX_REST_MB: f64 = 30.0;
/// The most growth of a call's cost when its data grows a thousandfold.
pub const MAX_GROWTH: f64 = 1.3;

#[derive(Default, Serialize, Deserialize)]
pub struct Figures {
    pub machine: Machine,
    pub routes: Vec<Route>,
    pub decisions: Vec<Decision>,
    pub held: Vec<UnansweredWait>,
    /// Memory of the local runner per held wait.
    #[serde(default)]
    pub held_kb: f64,
    pub approvals: Option<Approvals>,
    pub functions: Vec<Function>,
    pub runner: Option<Runner>,
    pub growth: Vec<Growth>,
    pub memory: Vec<Memory>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gb: f64,
    pub date: String,
    pub commit: String,
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Spread {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Spread {
    pub fn from_samples(mut took: Vec<f64>) -> Self {
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() as f64 * share) as usize).min(took.len() - 1)];
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

#[derive(Serialize, Deserialize)]
pub struct Route {
    pub name: String,
    pub dynamodb_calls: u32,
    pub round_trips: u32,
    pub read_units: f64,
    pub write_units: f64,
    pub s3_calls: u32,
    /// `None` until the route was timed.
    pub timed: Option<RouteTiming>,
}

impl Route {
    pub fn new(name: String, cost: Cost) -> Self {
        let Cost { calls, round_trips, read_units, write_units, blob_calls } = cost;
        Self { name, dynamodb_calls: calls, round_trips, read_units, write_units, s3_calls: blob_calls, timed: None }
    }

    pub fn cost(&self) -> Cost {
        Cost {
            calls: self.dynamodb_calls,
            round_trips: self.round_trips,
            read_units: self.read_units,
            write_units: self.write_units,
            blob_calls: self.s3_calls,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct RouteTiming {
    pub cpu_ms: f64,
    pub alone: Spread,
    pub at_32: Spread,
    pub per_second: f64,
}

/// The latency from the call that answers to the return of a wait.
#[derive(Serialize, Deserialize)]
pub struct Decision {
    /// Whether the process that holds the waits stores the answer.
    pub here: bool,
    pub waiters: usize,
    pub seconds_in: u32,
    pub seen: bool,
    pub latency: Spread,
}

/// The cost of a wait whose review is not answered.
#[derive(Serialize, Deserialize)]
pub struct UnansweredWait {
    pub seen: bool,
    pub reads: u32,
    pub read_units: f64,
    pub cpu_ms: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Approvals {
    pub per_second: f64,
    pub latency: Spread,
    /// CPU cores in use.
    #[serde(default)]
    pub cores: f64,
    /// The share of time in which the engine's lock was held.
    #[serde(default)]
    pub engine_busy: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub zip_bytes: u64,
    pub start_ms: f64,
    pub start_ratio: f64,
    pub rest_mb: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Runner {
    pub first_200_ms: f64,
    pub rest_mb: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Growth {
    pub what: String,
    pub call: String,
    pub dynamodb_calls: u32,
    pub units: f64,
    pub ms: f64,
    /// Ratios to the same call on the smallest data.
    pub calls_ratio: f64,
    pub units_ratio: f64,
    pub ms_ratio: f64,
}

#[derive(Serialize, Deserialize)]
pub struct Memory {
    pub what: String,
    pub peak_mb: f64,
}

fn docs(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", name].iter().collect()
}

impl Figures {
    /// Reads the figures of the last run.
    pub fn load() -> Self {
        let text = std::fs::read_to_string(docs("performance.json")).unwrap_or_else(|_| "null".to_owned());
        serde_json::from_str::<Option<Self>>(&text).expect("docs/performance.json has figures").unwrap_or_default()
    }

    pub fn save(&self) {
        let text = serde_json::to_string_pretty(self).expect("figures serialize") + "\n";
        std::fs::write(docs("performance.json"), text).expect("docs can be written");
        std::fs::write(docs("PERFORMANCE.md"), self.render_page()).expect("docs can be written");
    }

    /// Reads docs/PERFORMANCE.md.
    pub fn load_page() -> String {
        std::fs::read_to_string(docs("PERFORMANCE.md")).expect("docs/PERFORMANCE.md")
    }

    pub fn render_page(&self) -> String {
        let Machine { processor, cores, memory_gb, date, commit } = &self.machine;
        let mut page = format!(
            "# Performance\n\n\
             Printed by `make bench`, which also writes [performance.json](performance.json): on {date}, commit {commit}, \
             {cores} cores of {processor}, {memory_gb:.0} GB. The release build, optimised for speed, on the embedded engine (the \
             functions' own figures are those of their zips, which are optimised for size); the client, the service and \
             the engine share these cores, and the client's own time is in every latency. Timings differ from machine to \
             machine and are asserted nowhere. Calls, units, growth and sizes do not, and tests hold them \
             (`tests/http/contract/performance.rs`).\n"
        );
        self.write_routes(&mut page);
        self.write_decisions(&mut page);
        self.write_starts(&mut page);
        self.write_growth(&mut page);
        page
    }

    fn write_routes(&self, page: &mut String) {
        write_section(
            page,
            "Routes",
            "What one call of each route costs before it answers: DynamoDB calls, how many of them one after the other, \
             capacity units read and written, calls of S3; the handler's own time on a processor; milliseconds alone \
             and with 32 calls in flight, and calls a second then. The channel holds 90 messages and 10 pending reviews. \
             A call's entry in the log and its counts are written beside it and are not in these figures.",
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
                "a second",
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
            "From the moment a person's answer is sent to the moment a wait returns with it, over all waiters, in \
             milliseconds: by how many wait for the same review, how long they have waited, and whether somebody has \
             opened the review, as whoever answers in the inbox has. Where the answer comes from the process that holds the \
             wait, as on the local runner, it has it at once (*here*); on Lambda it is another, and the waits find out by \
             polling (*elsewhere*): the one that does tells the others of its process.",
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
            "What each of 200 waits of 29 s costs, each for a review of its own: reads, read units, and time on a \
             processor, the engine's and the client's included. Waits for the same review in one process look together, \
             no more than fifty times a second, but for each one's first and last read.",
            &["opened", "reads", "read units", "CPU ms"],
            self.held.iter().map(|it| {
                let UnansweredWait { seen, reads, read_units, cpu_ms } = it;
                vec![yes_or_no(*seen), reads.to_string(), read_units.to_string(), format!("{cpu_ms:.1}")]
            }),
        );
        if self.held_kb > 0.0 {
            let _ = write!(
                page,
                "\nThe local runner takes {:.0} KB more for each wait that it holds, its connection and what the engine \
                 needs for its reads included.\n",
                self.held_kb
            );
        }
        if let Some(Approvals { per_second, latency, cores, engine_busy }) = &self.approvals {
            let _ = write!(
                page,
                "\n## Whole approvals\n\nAn agent asks, a person answers, the agent's wait returns the answer; 32 at once: \
                 **{per_second:.0} a second**, {:.0} ms each at the median, {:.0} ms at p99. It kept {cores:.1} of {} cores \
                 busy; the embedded engine, which serves one call after the other, was taken {:.0} % of the time.\n",
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
            "Each function as it is deployed: its zip, the time from its process's start to its first question to the \
             Lambda runtime (median of 30), that time beside the one of a bare function of the same runtime (`hello`), and \
             its resident memory then.",
            &["function", "zip, MB", "start, ms", "of the bare one", "at rest, MB"],
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
                "\nThe local runner answers its first call {first_200_ms:.0} ms after it was started, on an empty \
                 directory, and holds {rest_mb:.0} MB then.\n"
            );
        }
        write_section(
            page,
            "Memory",
            "The peak of a function's process over one call.",
            &["call", "MB"],
            self.memory.iter().map(|it| vec![it.what.clone(), format!("{:.1}", it.peak_mb)]),
        );
    }

    fn write_growth(&self, page: &mut String) {
        write_section(
            page,
            "Growth",
            "The same calls in places that are fuller: each with its ratio to the smallest place.",
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
