//! `POST /api/v1/agents/setWebhook` and `POST /api/v1/agents/deleteWebhook`

use axum::extract::State;
use shared::auth::AgentCaller;
use shared::error::Error;
use shared::http::extract::Json;
use shared::ids::{AgentId, Nil};
use shared::models::{Agent, AgentWithSecret, DeleteWebhook, SetWebhook};
use shared::storage::Store;

/// Sets an agent's webhook as a whole, with a new signing secret
///
/// The answer shows the secret, once. The one before it stays good beside it for 24 hours.
/// The password and headers that look secret are never shown. 404 for an agent that is not the
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
    State(store): State<Store>,
    agent: AgentCaller,
    Json(set): Json<SetWebhook>,
) -> Result<axum::Json<AgentWithSecret>, Error> {
    let opened = store.open_channel(&agent, AgentId::parse_or_nil(&set.channel_id), &[]).await;
    let (channel, _) = opened.map_err(|err| err.or_not_found("agent"))?;
    set.url.check_target("url").await?;
    Ok(axum::Json(store.agents().set_webhook(&channel, set).await?))
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
