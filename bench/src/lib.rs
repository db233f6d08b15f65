//! Measurements of `make bench` and `make soak`.
//!
//! - [`figures`]: the figures of docs/PERFORMANCE.md
//! - `page`: renders them as the page
//! - [`parked`]: the memory and processor time of held waits
//! - [`process`]: the memory and processor time of a process
//! - [`rendering`]: how long pages with hostile texts take
//! - [`fairness`]: how the load of one caller delays another, measured on the local runner

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in measurements a panic is a failed run")]

pub mod fairness;
pub mod figures;
mod page;
pub mod parked;
pub mod process;
pub mod rendering;
