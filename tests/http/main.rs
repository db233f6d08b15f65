//! The HTTP tests: one file per route or concern, each test in a world of its own actors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod agents;
mod api_keys;
mod auth;
mod cost;
mod delivery;
mod errors;
mod example;
mod fidelity;
mod files;
mod idempotency;
mod inbox;
mod iterations;
mod logs;
mod messages;
mod openapi;
mod pages;
mod paging;
mod preferences;
mod review_types;
mod reviews;
mod runner;
mod sessions;
mod streams;
mod tenants;
mod users;
mod waits;
