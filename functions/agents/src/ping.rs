//! `POST /api/v1/status/ping`

use axum::extract::State;
use http::StatusCode;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, Ping};
use shared::storage::Store;

/// A sign of life, and what the agent is doing
///
/// 404 for an agent that is not the caller's.
#[utoipa::path(
    post,
    path = "/api/v1/status/ping",
    tag = "Agents",
    operation_id = "ping",
    request_body = Ping,
    responses((status = 201, body = Agent))
)]
pub async fn ping(
    State(store): State<Store>,
    agent: AgentCaller,
    Json(ping): Json<Ping>,
) -> Result<(StatusCode, axum::Json<Agent>), Error> {
    let opened = store.open_channel(&agent, AgentId::parse_or_nil(&ping.agent_id), &[]).await;
    let (channel, _) = opened.map_err(|err| err.or_not_found("agent"))?;
    Ok((StatusCode::CREATED, axum::Json(store.agents().ping(&channel, &ping).await?)))
}
