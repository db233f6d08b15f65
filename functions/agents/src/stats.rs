//! `GET /api/agents/{id}/stats` and `GET /api/agents/stats`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::models::{AgentStats, TotalStats};
use shared::storage::Store;

/// One agent in numbers, with what its pings said
#[utoipa::path(
    get,
    path = "/api/agents/{id}/stats",
    tag = "People: agents",
    operation_id = "getMyAgentStats",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = AgentStats))
)]
pub async fn of_one(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<AgentStats>, Error> {
    Ok(Json(store.agents().stats(&human, id).await?))
}

/// All of the person's agents in numbers
#[utoipa::path(
    get,
    path = "/api/agents/stats",
    tag = "People: agents",
    operation_id = "getMyStats",
    responses((status = 200, body = TotalStats))
)]
pub async fn of_all(State(store): State<Store>, human: HumanCaller) -> Result<Json<TotalStats>, Error> {
    Ok(Json(store.agents().total_stats(&human).await?))
}
