//! placet-serverless on one machine: the routers of all functions in one process, on embedded
//! engines that are reached as AWS is.
//!
//! - [`engines`]: the embedded DynamoDB and S3, and the SDK's HTTP client that leads to them
//! - [`sqs`]: the embedded SQS
//! - [`event_sources`]: invokes the functions with stream records, queue messages and schedules
//! - [`sockets`]: the Socket.IO server
//! - [`server`]: the HTTP server, its connection limits and its shutdown
//! - [`runner`]: the command `placet-local`: its options, data directory, first start and shutdown
//!
//! A module uses only modules before it in this order: `sqs`, `event_sources`, `sockets`, `server`, `engines`,
//! `runner`.

pub mod engines;
pub mod event_sources;
pub mod runner;
pub mod server;
pub mod sockets;
pub mod sqs;

use axum::Router;
use plugins::Plugins;
use shared::http::App;

/// The routes of all functions, which API Gateway distributes on AWS, with the bundled plugins.
pub fn routes() -> Router<App> {
    routes_with(&Plugins::bundled())
}

/// The routes of all functions with these plugins.
pub fn routes_with(plugins: &Plugins) -> Router<App> {
    Router::new()
        .merge(messages::router())
        .merge(reviews::router())
        .merge(files::router())
        .merge(agents::router())
        .merge(inbox::router())
        .merge(accounts::router())
        .merge(plugins::router_of(plugins.clone()))
        .merge(mcp::router_of(plugins))
        .merge(web::router())
}

/// Why the runner cannot start, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Message(String),
    #[error("{0}.")]
    Setting(#[from] shared::config::ConfigError),
    #[error("The start failed: {0:?}")]
    Storage(#[from] shared::error::Error),
}

impl StartError {
    pub fn message(sentence: impl Into<String>) -> Self {
        Self::Message(sentence.into())
    }
}
