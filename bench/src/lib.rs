//! What `make bench` and `make soak` measure.
//!
//! - [`figures`]: the figures of docs/PERFORMANCE.md and the page made of them
//! - [`fairness`]: what one caller can do to another, measured on the local runner

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in measurements a panic is a failed run")]

pub mod fairness;
pub mod figures;
