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
mod delivery;
mod errors;
mod event_queue;
mod event_stream;
mod example;
mod fidelity;
mod file_archives;
mod file_lists;
mod file_removal;
mod file_sharing;
mod file_uploads;
mod files;
mod growth;
mod hostile;
mod idempotency;
mod inbox;
mod iterations;
mod logs;
mod messages;
mod openapi;
mod pages;
mod paging;
mod plugins;
mod preferences;
mod queues;
mod review_lists;
mod review_types;
mod reviews;
mod runner;
mod sessions;
mod streams;
mod tenants;
mod user_removal;
mod users;
mod waits;
mod webhook_settings;
