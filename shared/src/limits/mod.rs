//! Limits that keep one caller from slowing down the others. Each is counted per process: a local
//! runner is one process, on AWS each function instance is one.
//!
//! - [`turns`]: how many requests of one credential and of one user are processed at once, and how
//!   many per second
//! - [`bodies`]: how much memory request bodies take together
//! - [`deliveries`]: how many deliveries of one channel and of one user are in progress at once
//! - [`fetches`]: how often plugins call hosts that no manifest names
//! - [`quotas`]: how many bytes of files each user may store
//! - `rate`: a token bucket
//!
//! The slots for long polls of one user are in `long_poll`.

pub mod bodies;
pub mod deliveries;
pub mod fetches;
pub mod quotas;
mod rate;
pub mod turns;

use bodies::Bodies;
use deliveries::Deliveries;
use fetches::Fetches;
use quotas::Quotas;
use turns::Callers;

/// The numbers. The defaults are those of a local runner on two cores; a fleet of 2,000 agents that
/// share one API key stays below all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests a second of one credential, over time.
    pub requests_per_second: u32,
    /// How many more of them may arrive in a burst.
    pub burst: u32,
    /// Requests of one credential that are processed at once; others queue. A user may have twice as
    /// many.
    pub at_once: usize,
    /// Long polls that the API keys of one user hold at once.
    pub waits_per_user: usize,
    /// The memory that all request bodies may take together, in bytes.
    pub body_memory: usize,
    /// Deliveries of one channel that are in progress at once. A user may have three times as many.
    pub deliveries_per_channel: usize,
    /// Bytes of the files of one user.
    pub stored_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_per_second: 1_000,
            burst: 10_000,
            at_once: 8,
            waits_per_user: 5_000,
            body_memory: 64 * 1024 * 1024,
            deliveries_per_channel: 8,
            stored_bytes: 10 * 1024 * 1024 * 1024,
        }
    }
}

/// The counts of this process. Clones share them.
#[derive(Clone, Debug)]
pub struct Limits {
    pub callers: Callers,
    pub bodies: Bodies,
    pub deliveries: Deliveries,
    pub fetches: Fetches,
    pub quotas: Quotas,
}

impl Limits {
    /// Empty counts under these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            callers: Callers::new(settings),
            bodies: Bodies::new(settings.body_memory),
            deliveries: Deliveries::new(settings.deliveries_per_channel),
            fetches: Fetches::default(),
            quotas: Quotas::new(settings.stored_bytes),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(&Settings::default())
    }
}
