//! The HTTP tests. The folders mirror the groups of routes; each test creates its own actors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod accounts;
mod agents;
mod compatibility;
mod contract;
mod embedded;
mod files;
mod hostile;
mod inbox;
mod messages;
mod notifications;
mod plugins;
mod protocols;
mod reviews;
mod runner;
mod sockets;
mod support;
mod transfer;
mod web;
mod webhooks;
