//! What the HTTP tests and the benchmark share: a world to test in, and the actors in it.
//!
//! - [`World`]: the service, started in this process on real engines (see `world.rs` for which)
//! - [`Person`], [`Agent`]: who calls it; each test makes its own, so tests never meet
//! - [`contract`]: the table of all routes, for proofs that go over all of them
//! - [`course`]: each of them called with all it needs, to see what it costs
//! - [`tenant`]: a person with everything one can have, at random ([`seeded`])
//! - [`RawForm`]: multipart bodies as each client writes them; [`raw`]: requests that no client would send
//! - [`performance`]: the figures of docs/PERFORMANCE.md
//! - [`crowd`]: channels with very many messages
//! - [`fairness`]: what one caller can do to another
//! - [`faulty`]: storage that misbehaves, by chance or at one call
//! - `front`: the embedded engines on a port
//! - [`functions`]: each function with its own permissions; [`template`]: what is deployed
//! - [`Reply`]: an answer, with what it cost in DynamoDB calls
//! - [`Runner`]: the `placet-local` binary as its own process
//! - [`openapi`]: the document that describes the service

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod actors;
pub mod contract;
pub mod course;
mod cpu;
pub mod crowd;
mod deployment;
pub mod fairness;
pub mod faulty;
mod forms;
mod front;
pub mod functions;
pub mod openapi;
pub mod performance;
pub mod raw;
mod reply;
mod runner;
pub mod seeded;
pub mod template;
pub mod tenant;
mod world;

pub use actors::{Agent, Person};
pub use deployment::secret;
pub use forms::RawForm;
pub use reply::{Cost, Reply};
pub use runner::Runner;
pub use world::World;
