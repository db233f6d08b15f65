//! What the HTTP tests and the benchmark share: a world to test in, and the actors in it.
//!
//! - [`World`]: the service, started in this process on real engines (see `world.rs` for which)
//! - [`Person`], [`Agent`]: who calls it; each test makes its own, so tests never meet
//! - [`contract`]: the table of all routes, for proofs that go over all of them
//! - [`route_costs`]: each of them called with all it needs, to see what it costs
//! - [`tenant`]: a person with everything one can have, at random
//! - [`RawForm`]: multipart bodies as each client writes them; [`raw_http`]: requests that no client would send
//! - [`bulk_data`]: channels with very many messages
//! - [`fault_injection`]: storage that misbehaves, by chance or at one call
//! - `engine_port`: the embedded engines on a port
//! - [`functions`]: each function with its own permissions; [`template`]: what is deployed
//! - [`Reply`]: an answer, with what it cost in DynamoDB calls
//! - [`Runner`]: the `placet-local` binary as its own process
//! - [`openapi`]: the document that describes the service

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod actors;
pub mod bulk_data;
pub mod contract;
mod cpu_time;
mod deployment;
mod engine_port;
pub mod fault_injection;
pub mod functions;
mod multipart;
pub mod openapi;
pub mod raw_http;
mod reply;
pub mod rng;
pub mod route_costs;
mod runner;
pub mod template;
pub mod tenant;
mod world;

pub use actors::{Agent, Person};
pub use deployment::secret;
pub use multipart::RawForm;
pub use reply::{Cost, Reply};
pub use runner::Runner;
pub use world::World;
