//! Push messages to browsers.

use std::time::Duration;

use shared::clock::Timestamp;
use shared::delivery::retries;
use shared::error::Error;
use shared::http::App;
use shared::review::{Act, Risk};
use shared::storage::{DeliveryOutcome as Outcome, Notification, NotificationContext};
use shared::web_push::{PushAnswer, PushMessage, Urgency};

use crate::payload::{self, Detail};
use crate::timing::{self, pending};

/// How long a push service keeps the outcome of a request for a device that is not reachable.
const OUTCOME_TTL: Duration = Duration::from_secs(24 * 3600);

/// Sends a notification to a browser once.
pub async fn attempt(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    let Some(device) = &context.device else { return Ok(Outcome::Dropped) };
    let mut message = compose(app, of, &context, Detail::Full);
    let mut answer = app.send_push(of.owner_id, device, &message).await?;
    if answer == PushAnswer::TooLarge {
        // Some push services take less than the standard demands.
        message.payload = payload::of(of, &context, Detail::AgentOnly);
        answer = app.send_push(of.owner_id, device, &message).await?;
    }
    let status = answer.status().map(|it| it.as_u16());
    tracing::info!(surface = "push", message = %of.message_id, status, "notification attempt");
    Ok(conclude(of, message.ttl, answer, app.clock.now()))
}

fn compose(app: &App, of: &Notification, context: &NotificationContext, detail: Detail) -> PushMessage {
    let now = app.clock.now();
    let (urgency, ttl) = match pending(context) {
        Some(review) => (urgency(Act::notified_risk(review.action.as_ref())), now.until(review.expires_at)),
        None => (Urgency::Normal, OUTCOME_TTL),
    };
    PushMessage { payload: payload::of(of, context, detail), urgency, topic: of.tag(), ttl }
}

fn urgency(risk: Risk) -> Urgency {
    match risk {
        Risk::Low => Urgency::Low,
        Risk::Medium => Urgency::Normal,
        Risk::High => Urgency::High,
    }
}

/// What the answer of the push service means.
fn conclude(of: &Notification, ttl: Duration, answer: PushAnswer, now: Timestamp) -> Outcome {
    let retry_after = match &answer {
        PushAnswer::Accepted(_) => return Outcome::Delivered,
        PushAnswer::Gone(_) => return Outcome::Dropped,
        PushAnswer::TooLarge | PushAnswer::Refused(_) => return Outcome::Failed,
        PushAnswer::Busy(_, retry_after) => retry_after.as_deref().and_then(|it| retries::parse_retry_after(it, now)),
        PushAnswer::None(_) => None,
    };
    timing::again(of, ttl, retry_after, now)
}
