//! `POST /api/v1/agents/setTag`

use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, SetTag};
use shared::storage::Store;

/// Sets an agent's tag, or takes it away
#[utoipa::path(
    post,
    path = "/api/v1/agents/setTag",
    tag = "Agents",
    operation_id = "setTag",
    request_body = SetTag,
    responses((status = 200, body = Agent))
)]
pub async fn set(
    State(store): State<Store>,
    agent: AgentCaller,
    Json(set): Json<SetTag>,
) -> Result<axum::Json<Agent>, Error> {
    let (channel, _) = store.open_channel(&agent, AgentId::parse_or_nil(&set.channel_id), &[]).await?;
    Ok(axum::Json(store.agents().set_tag(&channel, set.tag).await?))
}
