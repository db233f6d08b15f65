//! Measurements of `make bench` and `make soak`.
//!
//! - [`figures`]: the figures of docs/PERFORMANCE.md, and the page rendered from them
//! - [`fairness`]: how the load of one caller delays another, measured on the local runner

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in measurements a panic is a failed run")]

pub mod fairness;
pub mod figures;
