//! placet-serverless on one machine: the routers of every function in one process, on storage
//! that is embedded but spoken to as AWS's is.
//!
//! - [`routes`]: every route group
//! - [`engines`]: DynamoDB on SQLite, S3 on the file system and SQS on SQLite, on loopback ports
//! - [`queue`]: that SQS; [`durable`]: its file
//! - [`mappings`]: the loops that bring the table's stream and the queue to the functions
//! - [`background`]: the functions that no route calls, and upkeep
//! - [`stream_log`]: keeps the embedded table's stream in bounds; [`time_to_live`]: and the table
//! - [`server`]: serving, and stopping without dropping what is in flight; [`connections`]: how many
//!   and how long; [`descriptors`]: what they are made of
//! - [`data_dir`]: the directory that everything is kept in, and its lock
//! - [`first_run`]: the owner, agent and API key that the first start makes
//! - [`options`]: the command line

pub mod background;
pub mod connections;
pub mod data_dir;
pub mod descriptors;
pub mod durable;
pub mod engines;
pub mod first_run;
pub mod mappings;
pub mod options;
pub mod queue;
pub mod server;
pub mod stream_log;
pub mod time_to_live;

use axum::Router;
use shared::app::App;

/// All route groups, as API Gateway would spread them over functions.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(messages::router())
        .merge(reviews::router())
        .merge(files::router())
        .merge(agents::router())
        .merge(inbox::router())
        .merge(accounts::router())
        .merge(plugins::router())
        .merge(web::router())
}

/// Why the runner cannot start: one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Told(String),
    #[error("{0}.")]
    Setting(#[from] shared::config::ConfigError),
    #[error("Starting failed: {0:?}")]
    Storage(#[from] shared::error::Error),
}

impl StartError {
    pub fn told(sentence: impl Into<String>) -> Self {
        Self::Told(sentence.into())
    }
}
