//! `/api/v1/agents`, `/api/v1/status` and `/api/agents`: agents and their state.

mod create;
mod list;
mod ping;

use axum::Router;
use axum::routing::{get, post};
use shared::app::App;

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/agents", get(list::for_agent).post(create::by_agent))
        .route("/api/v1/status/ping", post(ping::ping))
        .route("/api/agents", get(list::for_human).post(create::by_human))
}
