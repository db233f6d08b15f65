//! Limits that keep one caller from stopping the others. All of them are counted in this process:
//! a local runner is one, and on AWS each function instance is one.
//!
//! - [`turns`]: how many requests of one credential and of one user are worked on at once, and how
//!   many a second
//! - [`bodies`]: how much memory request bodies take together
//! - [`deliveries`]: how many deliveries of one channel and of one user are under way at once
//!
//! How many waits one user holds is counted in [`crate::long_poll`].

pub mod bodies;
pub mod deliveries;
pub mod turns;

use bodies::Bodies;
use deliveries::Deliveries;
use turns::Callers;

/// The numbers. The defaults are those of a local runner on two cores; a fleet of 2,000 agents that
/// share one API key stays below all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests a second of one credential, over time.
    pub requests_per_second: u32,
    /// How many more of them may come at once.
    pub burst: u32,
    /// Requests of one credential that are worked on at once; others wait for their turn. A user may
    /// have twice as many.
    pub at_once: usize,
    /// Long polls that the API keys of one user hold at once.
    pub waits_per_user: usize,
    /// What all request bodies together may take of the memory, in bytes.
    pub body_memory: usize,
    /// Deliveries of one channel that are under way at once. A user may have three times as many.
    pub deliveries_per_channel: usize,
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
        }
    }
}

/// What is counted in this process. Clones share their counts.
#[derive(Clone, Debug)]
pub struct Limits {
    pub callers: Callers,
    pub bodies: Bodies,
    pub deliveries: Deliveries,
}

impl Limits {
    /// Empty counts under these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            callers: Callers::new(settings),
            bodies: Bodies::new(settings.body_memory),
            deliveries: Deliveries::new(settings.deliveries_per_channel),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(&Settings::default())
    }
}
pub use crate::secrets::password_queue as guesses;
