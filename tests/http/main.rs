//! The HTTP tests: one file per route or concern, each test in a world of its own actors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod agents;
mod api_keys;
mod auth;
mod cost;
mod errors;
mod example;
mod files;
mod growth;
mod hostile;
mod idempotency;
mod inbox;
mod messages;
mod pages;
mod review_types;
mod reviews;
mod runner;
mod tenants;
mod waits;
