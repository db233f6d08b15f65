//! `POST /api/v1/agents/setSubagent`

use axum::extract::State;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, SetSubagent};
use shared::storage::Store;

/// Puts an agent under another one that it works for, or takes it from there
///
/// Pages show it below its parent. A sub-agent whose parent is deleted is shown as one of its own.
/// 404 for an agent that is not the caller's.
#[utoipa::path(
    post,
    path = "/api/v1/agents/setSubagent",
    tag = "Agents",
    operation_id = "setSubagent",
    request_body = SetSubagent,
    responses((status = 200, body = Agent))
)]
pub async fn set(
    State(store): State<Store>,
    agent: AgentCaller,
    Json(set): Json<SetSubagent>,
) -> Result<axum::Json<Agent>, Error> {
    let id = AgentId::parse_or_nil(&set.channel_id);
    let (channel, parent) = store.agents().open_under(&agent, id, set.parent()).await?;
    Ok(axum::Json(store.agents().set_parent(&channel, parent).await?))
}
