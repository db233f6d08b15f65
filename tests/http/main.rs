//! The HTTP tests: one folder per group of routes, each test in a world of its own actors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod accounts;
mod agents;
mod contract;
mod embedded;
mod files;
mod hostile;
mod inbox;
mod messages;
mod plugins;
mod reviews;
mod runner;
mod support;
mod web;
mod webhooks;
