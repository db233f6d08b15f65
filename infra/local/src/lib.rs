//! placet-serverless on one machine: the routers of every function in one process, on storage
//! that is embedded but spoken to as AWS's is.
//!
//! - [`routes`]: every route group
//! - [`engines`]: DynamoDB on SQLite, S3 on the file system and SQS on SQLite
//! - [`in_process`]: the way from the SDK's clients to them, without a port
//! - [`table`]: that DynamoDB's protocol; [`objects`]: that S3, and its port for presigned URLs
//! - [`queue`]: that SQS; [`durable`]: its file
//! - [`mappings`]: the loops that bring the table's stream and the queue to the functions
//! - [`background`]: the functions that no route calls, and upkeep
//! - [`stream_log`]: keeps the embedded table's stream in bounds; [`time_to_live`]: and the table
//! - [`server`]: serving, and stopping without dropping what is in flight; [`connections`]: how many
//!   and how long; [`descriptors`]: what they are made of
//! - [`inbox_host`]: the host of people's pages; [`peer`]: whether a caller may be told of it
//! - [`options`]: the command line; [`place`]: where the data directory is
//! - [`data_dir`]: that directory, and its lock
//! - [`installation`]: whether its parts belong together; [`recovery`]: whether its databases are
//!   damaged, or recovered less than was written; [`wal`]: a write-ahead log as SQLite reads it
//! - [`first_run`]: the owner, agent and API key that the first start makes and shows
//! - [`reset_password`]: a new password for somebody who forgot theirs
//! - [`owner_file`]: the credentials that earlier versions kept

pub mod background;
pub mod connections;
pub mod data_dir;
pub mod descriptors;
pub mod durable;
pub mod engines;
pub mod first_run;
pub mod in_process;
pub mod inbox_host;
pub mod installation;
pub mod mappings;
pub mod objects;
pub mod options;
pub mod owner_file;
pub mod peer;
pub mod place;
pub mod queue;
pub mod recovery;
pub mod reset_password;
pub mod server;
pub mod stream_log;
pub mod table;
pub mod time_to_live;
pub mod wal;

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
