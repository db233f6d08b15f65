//! The figures of docs/PERFORMANCE.md: measured by `make bench` and stored in docs/performance.json.
//! Tests assert the figures that need no clock.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use test_support::Cost;

use crate::parked::ParkedWaits;

/// The largest zip of a function.
pub const MAX_ZIP_BYTES: u64 = 5_000_000;
/// The longest start of a function, as a multiple of a bare function's. `mcp` has the routes of four functions.
pub const MAX_START_RATIO: f64 = 2.2;
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
    /// Waits on the local runner while they are held.
    #[serde(default)]
    pub parked: ParkedWaits,
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

#[derive(Clone, Copy, Serialize, Deserialize)]
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
}
