//! `POST /api/v1/agents/setWebhook` and `POST /api/v1/agents/deleteWebhook`

use axum::extract::State;
use shared::caller::AgentCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, AgentWithSecret, DeleteWebhook, SetWebhook};
use shared::storage::{SealedManagement, Store};

/// Sets an agent's webhook as a whole, with a new signing secret
///
/// The response shows the secret once. The previous one stays valid for 24 hours.
/// The password and headers that look secret are never shown. `management`, `isSubagent` and
/// `parentChannelId` do what setManagement and setSubagent do. 404 for an agent that is not the
/// caller's.
#[utoipa::path(
    post,
    path = "/api/v1/agents/setWebhook",
    tag = "Agents",
    operation_id = "setWebhook",
    request_body = SetWebhook,
    responses((status = 200, body = AgentWithSecret))
)]
pub async fn set(
    State(app): State<App>,
    agent: AgentCaller,
    Json(mut set): Json<SetWebhook>,
) -> Result<axum::Json<AgentWithSecret>, Error> {
    let (agents, id) = (app.store.agents(), AgentId::parse_or_nil(&set.channel_id));
    let (channel, parent) = agents.open_under(&agent, id, set.parent()).await?;
    set.url.check_target("url").await?;
    let seal = |it| SealedManagement::of(it, id, app.secrets.current()?);
    let management = set.management.take().map(seal).transpose()?;
    Ok(axum::Json(agents.set_webhook(&channel, set, (management, parent)).await?))
}

/// Takes an agent's webhook away, with headers, credentials and secrets
///
/// 404 for an agent that is not the caller's.
#[utoipa::path(
    post,
    path = "/api/v1/agents/deleteWebhook",
    tag = "Agents",
    operation_id = "deleteWebhook",
    request_body = DeleteWebhook,
    responses((status = 200, body = Agent))
)]
pub async fn delete(
    State(store): State<Store>,
    agent: AgentCaller,
    Json(delete): Json<DeleteWebhook>,
) -> Result<axum::Json<Agent>, Error> {
    let opened = store.open_channel(&agent, AgentId::parse_or_nil(&delete.channel_id), &[]).await;
    let (channel, _) = opened.map_err(|err| err.or_not_found("agent"))?;
    Ok(axum::Json(store.agents().delete_webhook(&channel).await?))
}
