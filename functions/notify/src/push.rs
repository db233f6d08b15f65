//! Push messages to browsers.

use std::time::Duration;

use shared::delivery::retries;
use shared::error::Error;
use shared::http::App;
use shared::models::{Message, ReviewStatus};
use shared::review::{Act, Risk};
use shared::storage::{DeliveryOutcome as Outcome, Device, Notification, NotificationContext};
use shared::web_push::{self, PushAnswer, PushMessage, Sender, Urgency};

use crate::payload::{self, Detail};

/// How long a push service keeps the outcome of a request for a device that is not reachable.
const OUTCOME_TTL: Duration = Duration::from_secs(24 * 3600);

/// Sends a notification to a browser once.
pub async fn attempt(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    let Some(device) = &context.device else { return Ok(Outcome::Dropped) };
    let Some(key) = app.secrets.vapid_key(&device.vapid_key)? else {
        // The secret that the browser was subscribed under is gone: its push service refuses every other key.
        app.store.notifications().forget_device(of.owner_id, device).await?;
        return Ok(Outcome::Dropped);
    };
    let Some(mut message) = compose(app, of, &context, Detail::Full) else { return Ok(Outcome::Dropped) };
    let sender = Sender { outbound: &app.outbound, key: &key, contact: &app.contact };
    let mut answer = web_push::send(&sender, &device.subscription, &message, app.clock.now()).await?;
    if answer == PushAnswer::TooLarge {
        // Some push services take less than the standard demands.
        message.payload = payload::of(of, &context, Detail::AgentOnly);
        answer = web_push::send(&sender, &device.subscription, &message, app.clock.now()).await?;
    }
    let status = answer.status().map(|it| it.as_u16());
    tracing::info!(surface = "push", message = %of.message_id, status, "notification attempt");
    conclude(app, of, device, message.ttl, answer).await
}

/// The push message; `None` if there is nothing to say (any more).
fn compose(app: &App, of: &Notification, context: &NotificationContext, detail: Detail) -> Option<PushMessage> {
    let now = app.clock.now();
    let pending = context.message.as_ref().and_then(pending_until);
    let (urgency, ttl) = match pending {
        Some((risk, expires_at)) => {
            // Expiry follows within a minute, and replaces what was sent before.
            let is_current = expires_at > now && context.preferences.push.admits(risk);
            is_current.then(|| (urgency(risk), now.until(expires_at)))?
        }
        None if of.is_first_attempt() => return None,
        None => (Urgency::Normal, OUTCOME_TTL),
    };
    Some(PushMessage { payload: payload::of(of, context, detail), urgency, topic: of.tag(), ttl })
}

/// The risk of a pending request, and when it expires.
fn pending_until(message: &Message) -> Option<(Risk, shared::clock::Timestamp)> {
    let review = message.review.as_ref().filter(|review| review.status == ReviewStatus::Pending)?;
    let act = review.action.as_ref().and_then(Act::from_stored);
    Some((act.map_or(Risk::Medium, |act| act.notified_risk()), review.expires_at))
}

fn urgency(risk: Risk) -> Urgency {
    match risk {
        Risk::Low => Urgency::Low,
        Risk::Medium => Urgency::Normal,
        Risk::High => Urgency::High,
    }
}

/// What the answer of the push service means. Nothing is attempted once the message would be of no use.
async fn conclude(
    app: &App,
    of: &Notification,
    device: &Device,
    ttl: Duration,
    answer: PushAnswer,
) -> Result<Outcome, Error> {
    let now = app.clock.now();
    let retry_after = match &answer {
        PushAnswer::Accepted(_) => {
            app.store.notifications().record_use(of.owner_id, device).await?;
            return Ok(Outcome::Delivered);
        }
        PushAnswer::Gone(_) => {
            app.store.notifications().forget_device(of.owner_id, device).await?;
            return Ok(Outcome::Dropped);
        }
        PushAnswer::TooLarge | PushAnswer::Refused(_) => return Ok(Outcome::Failed),
        PushAnswer::Busy(_, retry_after) => retry_after.as_deref().and_then(|it| retries::parse_retry_after(it, now)),
        PushAnswer::None(_) => None,
    };
    Ok(match retries::next_delay(of.attempts, retry_after) {
        Some(delay) if delay < ttl => Outcome::Again(now.plus(delay)),
        Some(_) => Outcome::Dropped,
        None => Outcome::Failed,
    })
}
