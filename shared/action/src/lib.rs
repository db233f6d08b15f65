//! Acts: what a person approves so that exactly it is done, once.
//!
//! - [`exact`]: JSON whose meaning every reader agrees on: no number that a double cannot hold, no
//!   name twice
//! - [`digest`]: the digest of an act over its RFC 8785 canonical form
//! - [`edits`]: which places of the arguments a person changed, and which may be changed
//! - [`schema`]: whether arguments satisfy the JSON Schema that an agent sent
//! - [`receipt`]: the signed proof of a decision, and the public keys that verify it
//!
//! This crate knows nothing of storage or HTTP.

pub mod digest;
pub mod edits;
pub mod exact;
pub mod receipt;
pub mod schema;
