//! `GET /api/agents/{id}`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::models::Agent;
use shared::storage::Store;

/// One agent
#[utoipa::path(
    get,
    path = "/api/agents/{id}",
    tag = "People: agents",
    operation_id = "getMyAgent",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn get(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<Agent>, Error> {
    Ok(Json(store.agents().get(&human, id).await?.agent))
}
