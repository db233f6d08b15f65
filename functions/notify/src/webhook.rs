//! Calls to the webhook of a person.

use shared::delivery::retries;
use shared::error::Error;
use shared::http::App;
use shared::models::Review;
use shared::review::Act;
use shared::storage::{DeliveryOutcome as Outcome, Notification, NotificationContext};
use shared::webhook::{self, Answer, Event, Notice, NoticeKind};

use crate::question::{agent_name, question};
use crate::timing::{self, pending};

/// Calls a person's webhook once.
pub async fn attempt(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    let (Some(hook), Some(review)) = (&context.webhook, pending(&context)) else { return Ok(Outcome::Dropped) };
    let notice = notice(app, of, &context, review);
    let (target, payload) = notice.request(hook);
    // The same for every attempt.
    let id = format!("ntf_{}{}", of.tag(), if of.has_reminder { "_reminder" } else { "" });
    let (now, secret) = (app.clock.now(), hook.secret.clone());
    let (answer, _) = webhook::send(&app.outbound, Event { id: &id, payload: &payload }, &target, &[secret], now).await;
    let status = if let Answer::Http { status, .. } = &answer { Some(*status) } else { None };
    let code = status.map(|it| it.as_u16());
    tracing::info!(surface = "webhook", message = %of.message_id, status = code, "notification attempt");
    Ok(match status {
        Some(status) if status.is_success() => Outcome::Delivered,
        Some(status) if !retries::is_temporary(status) => Outcome::Failed,
        _ => {
            let retry_after = answer.retry_after().and_then(|it| retries::parse_retry_after(it, now));
            timing::again(of, now.until(review.expires_at), retry_after, app.clock.now())
        }
    })
}

fn notice(app: &App, of: &Notification, context: &NotificationContext, review: &Review) -> Notice {
    let act = review.act();
    Notice {
        kind: if of.has_reminder { NoticeKind::Reminder } else { NoticeKind::Request },
        message_id: Some(of.message_id),
        agent: agent_name(context),
        text: question(context, context.preferences.webhook.show_content),
        notified_risk: Act::notified_risk(review.action.as_ref()),
        risk: act.as_ref().and_then(|act| act.risk),
        reversible: act.as_ref().and_then(|act| act.reversible),
        url: app.page_url(&format!("/reviews/{}", of.message_id)),
        expires_at: Some(review.expires_at),
    }
}
