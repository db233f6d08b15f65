//! Processes the queue of notifications: tells people of requests while no page is open, and of what became of them.
//!
//! - `push`: push messages to browsers; `payload`: what they say
//! - `email`: e-mails; `feedback`: what SES reports of them
//! - `webhook`: calls to the webhook of a person
//! - `question`: who asks what, in lines of plain text
//! - `timing`: whether a notification is sent now, later or never
//! - `excerpt`: what agents wrote as a line of plain text
//!
//! A notification is claimed, made of the review as it is at that moment, and sent. The same notification of a review
//! that has ended meanwhile says what became of it, or is dropped if nothing was sent before.

mod email;
mod excerpt;
mod feedback;
mod payload;
mod push;
mod question;
mod timing;
mod webhook;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use serde::Deserialize;
use shared::aws::queue::NotificationRef;
use shared::delivery::batch::{self, Next};
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::models::notifications::NotificationSurface;
use shared::storage::{
    AttemptResult, DeliveryOutcome as Outcome, Notification, NotificationClaim as Claim, NotificationContext,
};

use crate::timing::Timing;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Notifications("sqs:ChangeMessageVisibility"),
    Permission::FailedNotifications("sqs:SendMessage"),
    Permission::Mail("ses:SendEmail"),
    Permission::Mail("ses:SendRawEmail"),
    Permission::Secrets("ssm:GetParameter"),
];

/// The shortest delay of a message: without one the queue would deliver it again before it is due.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// Sends the notifications that a batch of the queue names.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    batch::process(&app.notifications, event, |body| process(app, body)).await
}

/// A message of the queue.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Notification(NotificationRef),
    Feedback(feedback::Feedback),
}

async fn attempt(app: &App, of: &Notification, context: NotificationContext) -> Result<Outcome, Error> {
    match of.surface() {
        NotificationSurface::Push => push::attempt(app, of, context).await,
        NotificationSurface::Email if of.is_digest() => email::digest(app, of, context).await,
        NotificationSurface::Email => email::attempt(app, of, context).await,
        NotificationSurface::Webhook => webhook::attempt(app, of, context).await,
    }
}

async fn process(app: &App, body: String) -> Result<Next, Error> {
    let reference = match serde_json::from_str::<Message>(&body) {
        Ok(Message::Notification(reference)) => reference,
        Ok(Message::Feedback(feedback)) => return feedback::process(app, feedback).await.map(|()| Next::Done),
        Err(err) => return Err(Error::internal(format!("a message of the queue cannot be read: {err}"))),
    };
    let deliveries = &app.store.limits().deliveries;
    let Some(_slot) = deliveries.acquire(reference.message_id.channel(), Some(reference.owner_id)).await else {
        return Ok(Next::Throttled);
    };
    let notifications = app.store.notifications();
    let (notification, lease) = match notifications.claim(&reference).await? {
        Claim::Done => return Ok(Next::Done),
        Claim::Failed => return Ok(Next::DeadLetter),
        Claim::Early(span) => return Ok(Next::Delay(span.max(MIN_DELAY))),
        // An attempt takes less than its lease, and the outcome of a review must not wait for all of it.
        Claim::Leased(_) => return Ok(Next::Delay(MIN_DELAY)),
        Claim::Yours(notification, lease) => (notification, lease),
    };
    let context = notifications.context(&notification).await?;
    let remind_at = timing::reminder(&notification, &context, app.clock.now());
    let result = match timing::of(&notification, &context, app.clock.now()) {
        Timing::Now => match (attempt(app, &notification, context).await?, remind_at) {
            (Outcome::Delivered, Some(at)) => AttemptResult::Remind(at),
            (outcome, _) => AttemptResult::Ended(outcome),
        },
        Timing::Later(at) => AttemptResult::Postponed(at),
        Timing::Never => AttemptResult::NotSent,
    };
    notifications.finish(&reference, &notification, lease, result).await?;
    Ok(match result {
        AttemptResult::Ended(Outcome::Again(next)) => Next::Delay(app.clock.now().until(next).max(MIN_DELAY)),
        AttemptResult::Ended(Outcome::Failed) => Next::DeadLetter,
        // What is due later gets another message then.
        AttemptResult::Ended(_) | AttemptResult::Remind(_) | AttemptResult::Postponed(_) | AttemptResult::NotSent => {
            Next::Done
        }
    })
}
