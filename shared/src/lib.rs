//! What the functions share. A module imports only what stands above it here; the test
//! `tests/http/contract/layers.rs` holds the code to that.
//!
//! | layer | modules |
//! |---|---|
//! | base | [`random`], [`hex`], [`clock`], [`json`], [`search`], [`media_type`], [`charset`], [`invisible`], [`iam`], `words` |
//! | errors and ids | [`error`] (the one table of refusals), [`ids`], [`outbound`] (calls to hosts that clients name), [`mail`] (e-mails to people) |
//! | secrets and input | [`secrets`], [`validation`], [`image`] |
//! | domain | [`review`] (what each review type asks and accepts), [`models`] (what clients send and see) |
//! | callers | [`caller`] (who calls), [`limits`] (what keeps one caller from stopping the others) |
//! | telemetry | [`telemetry`] (logging; what a request costs) |
//! | storage | [`aws`] (clients, the queue of deliveries), [`storage`] (the table and the bucket) |
//! | on storage | [`request_log`], [`delivery`] (what functions on queues share), [`webhook`] and [`web_push`] (one attempt of a delivery), [`long_poll`], [`socket_io`] |
//! | HTTP | [`http`] (everything around the handlers) |
//! | start | [`config`] (the only reader of the environment), [`lambda`] (how a function starts) |

pub mod aws;
pub mod caller;
pub mod charset;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod error;
pub mod hex;
pub mod http;
pub mod iam;
pub mod ids;
pub mod image;
pub mod invisible;
pub mod json;
pub mod lambda;
pub mod limits;
pub mod long_poll;
pub mod mail;
pub mod media_type;
pub mod models;
pub mod outbound;
pub mod random;
pub mod request_log;
pub mod review;
pub mod search;
pub mod secrets;
pub mod socket_io;
pub mod storage;
pub mod telemetry;
pub mod validation;
pub mod web_push;
pub mod webhook;
mod words;
