//! `GET /api/v1/agents` and `GET /api/agents`

use axum::Json;
use axum::extract::State;
use shared::auth::{AgentCaller, HumanCaller};
use shared::error::Error;
use shared::models::Agent;
use shared::storage::Store;

/// All agents of the key's user, oldest first
#[utoipa::path(
    get,
    path = "/api/v1/agents",
    tag = "Agents",
    operation_id = "listAgents",
    responses((status = 200, body = Vec<Agent>))
)]
pub async fn for_agent(State(store): State<Store>, agent: AgentCaller) -> Result<Json<Vec<Agent>>, Error> {
    Ok(Json(store.agents().list(&agent).await?))
}

/// All of the person's agents, oldest first
#[utoipa::path(
    get,
    path = "/api/agents",
    tag = "People: agents",
    operation_id = "listMyAgents",
    responses((status = 200, body = Vec<Agent>))
)]
pub async fn for_human(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<Agent>>, Error> {
    Ok(Json(store.agents().list(&human).await?))
}
