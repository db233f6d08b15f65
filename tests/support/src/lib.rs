//! Support for the HTTP tests and the benchmark: the service under test, and the actors that call it.
//!
//! - [`World`]: the service, started in this process on real engines (`world.rs` says which)
//! - [`Person`], [`Agent`]: the callers; each test creates its own, so tests do not affect each other
//! - [`contract`]: the table of all routes, for tests that cover each of them
//! - [`route_costs`]: a repeatable call of each route, with its cost
//! - [`tenant`]: a person with random agents, messages, reviews and files
//! - [`RawForm`]: multipart bodies as different clients write them; [`raw_http`]: malformed requests
//! - [`bulk_data`]: channels with up to 100,000 messages
//! - [`fault_injection`]: storage faults, at random or for one kind of call
//! - [`function_process`]: a function as its own process; [`write_gate`]: what it has stored when it is killed
//! - `emulator`: storage on LocalStack; `engine_port`: the embedded engines on a TCP port
//! - [`functions`]: each function with its own permissions; [`template`]: infra/template.yaml
//! - [`hostile_texts`]: texts that are expensive to render
//! - [`Reply`]: a response, with its cost in DynamoDB calls
//! - [`sources`]: the project's own Rust files
//! - [`Runner`]: the `placet-local` binary as its own process
//! - [`SocketClient`]: a Socket.IO client as its own process
//! - [`openapi`]: the OpenAPI document

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod actors;
pub mod bulk_data;
pub mod contract;
mod cpu_time;
mod deployment;
mod emulator;
mod engine_port;
pub mod fault_injection;
pub mod function_process;
pub mod functions;
pub mod hostile_texts;
mod multipart;
pub mod openapi;
pub mod raw_http;
mod reply;
pub mod rng;
pub mod route_costs;
mod runner;
mod socket_client;
pub mod sources;
pub mod template;
pub mod tenant;
mod world;
pub mod write_gate;

pub use actors::{Agent, Person, random_email};
pub use deployment::{SECRETS, secrets};
pub use multipart::RawForm;
pub use reply::{Cost, Reply};
pub use runner::Runner;
pub use socket_client::SocketClient;
pub use world::{Item, World};
