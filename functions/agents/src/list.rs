//! `GET /api/v1/agents` and `GET /api/agents`

use axum::Json;
use axum::extract::State;
use shared::auth::{AgentCaller, HumanCaller};
use shared::error::Error;
use shared::models::Agent;
use shared::storage::Store;

pub async fn for_agent(State(store): State<Store>, agent: AgentCaller) -> Result<Json<Vec<Agent>>, Error> {
    Ok(Json(store.agents_of(&agent).await?))
}

pub async fn for_human(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<Agent>>, Error> {
    Ok(Json(store.agents_of(&human).await?))
}
