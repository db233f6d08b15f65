//! `POST /api/agents/{id}/webhook-test`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::AgentId;
use shared::limits::turns;
use shared::secrets::{hex, random};
use shared::webhook::{self, Answer, Event, Target};
use utoipa::ToSchema;

/// Of an answer's body, in characters.
const MAX_BODY: usize = 500;

/// How the receiver of a test event answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTested {
    /// It answered with a 2xx within 10 s
    delivered: bool,
    /// Null when there was no answer
    #[schema(minimum = 100, maximum = 999, example = 200)]
    status: Option<u16>,
    #[schema(example = 120)]
    duration_ms: u64,
    /// The first 500 characters of the answer, the webhook's own secrets masked
    body: Option<String>,
    /// Why there was no answer, or where to a redirect leads that is not followed
    #[schema(example = "refused the connection")]
    error: Option<String>,
}

impl WebhookTested {
    fn of(answer: &Answer, target: &Target, took: Duration) -> Self {
        let (status, body) = match answer {
            Answer::Http { status, body, .. } => {
                let text = target.masked(String::from_utf8_lossy(body).into_owned());
                (Some(*status), Some(text.chars().take(MAX_BODY).collect()))
            }
            Answer::None(_) => (None, None),
        };
        Self {
            delivered: status.is_some_and(|it| it.is_success()),
            status: status.map(|it| it.as_u16()),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            body,
            error: answer.trouble(target),
        }
    }
}

/// Sends a test event to an agent's webhook, once, and tells how it was answered
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
    let event = Event { id: &format!("test_{}", hex(&random::<16>())), payload: &payload };
    // Somebody else's host takes its time.
    turns::step_aside();
    let (answer, took) = webhook::send(&app.outbound, event, &target, &hook.secrets, now).await;
    Ok(Json(WebhookTested::of(&answer, &target, took)))
}
