//! `PUT /api/v1/agents/{id}/commands`

use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::extract::{Json, PathId};
use shared::ids::AgentId;
use shared::models::{Agent, SetCommands};
use shared::storage::Store;

/// Sets the commands that an agent offers, all of them
///
/// 404 for an agent that is not the caller's.
#[utoipa::path(
    put,
    path = "/api/v1/agents/{id}/commands",
    tag = "Agents",
    operation_id = "setCommands",
    params(("id" = AgentId, Path)),
    request_body = SetCommands,
    responses((status = 200, body = Agent))
)]
pub async fn set(
    State(store): State<Store>,
    agent: AgentCaller,
    PathId(id): PathId<AgentId>,
    Json(set): Json<SetCommands>,
) -> Result<axum::Json<Agent>, Error> {
    let set = async {
        let (channel, _) = store.open_channel(&agent, id, &[]).await?;
        store.agents().set_commands(&channel, &set).await
    };
    Ok(axum::Json(set.await.map_err(|err| err.or_not_found("agent"))?))
}
