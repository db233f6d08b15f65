//! The HTTP tests: one file per route or concern, each test in a world of its own actors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod agent_changes;
mod agent_removal;
mod agent_stats;
mod agents;
mod api_keys;
mod auth;
mod avatars;
mod cost;
mod errors;
mod example;
mod files;
mod idempotency;
mod inbox;
mod logs;
mod messages;
mod pages;
mod preferences;
mod review_types;
mod reviews;
mod runner;
mod sessions;
mod tenants;
mod user_removal;
mod users;
mod waits;
mod webhook_settings;
