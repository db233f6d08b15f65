//! `POST /api/agents/{id}/webhook-test`

use axum::Json;
use axum::extract::State;
use serde_json::json;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::limits::turns;
use shared::webhook::{self, Event, Target, WebhookTested};
use shared::{hex, random};

/// Sends one test event to an agent's webhook and returns the response
///
/// The event is `{"event": "test", "channelId", "sent_at"}`, signed and with the webhook's headers
/// and credentials, as every other. 400 when the agent has no webhook.
#[utoipa::path(
    post,
    path = "/api/agents/{id}/webhook-test",
    tag = "People: agents",
    operation_id = "testMyAgentWebhook",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = WebhookTested))
)]
pub async fn send(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<WebhookTested>, Error> {
    let channel = app.store.agents().get(&human, id).await?;
    let hook = app.store.agents().webhook(channel.owner(), channel.id()).await?.ok_or(Error::NotFound("agent"))?;
    let no_webhook = || Error::field(["webhookUrl".into()], "no_webhook", "the agent has no webhook");
    let target = Target::of_agent(hook.url.as_deref().ok_or_else(no_webhook)?, &hook);
    let now = app.clock.now();
    let payload = json!({ "event": "test", "channelId": channel.id(), "sent_at": now }).to_string();
    let event = Event { id: &format!("test_{}", hex::encode(&random::bytes::<16>())), payload: &payload };
    // Somebody else's host takes its time.
    turns::step_aside();
    let (answer, took) = webhook::send(&app.outbound, event, &target, &hook.secrets, now).await;
    Ok(Json(WebhookTested::of(&answer, &target, took)))
}
