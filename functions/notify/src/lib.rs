//! Processes the queue of notifications: tells people of requests while no page is open, and of what became of them.
//!
//! - `push`: push messages to browsers; `payload`: what they say
//! - `excerpt`: what agents wrote as a line of plain text
//!
//! A notification is claimed, made of the review as it is at that moment, and sent. The same notification of a review
//! that has ended meanwhile says what became of it, or is dropped if nothing was sent before.

mod excerpt;
mod payload;
mod push;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use shared::aws::queue::NotificationRef;
use shared::delivery::batch::{self, Next};
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::storage::{DeliveryOutcome as Outcome, NotificationClaim as Claim};

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Notifications("sqs:ChangeMessageVisibility"),
    Permission::FailedNotifications("sqs:SendMessage"),
    Permission::Secrets("ssm:GetParameter"),
];

/// The shortest delay of a message: without one the queue would deliver it again before it is due.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// Sends the notifications that a batch of the queue names.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    batch::process(&app.notifications, event, |body| process(app, body)).await
}

async fn process(app: &App, body: String) -> Result<Next, Error> {
    let reference: NotificationRef = serde_json::from_str(&body)
        .map_err(|err| Error::internal(format!("the message is not a reference of a notification: {err}")))?;
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
    let outcome = push::attempt(app, &notification, context).await?;
    notifications.finish(&reference, &notification, lease, outcome).await?;
    Ok(match outcome {
        Outcome::Delivered | Outcome::Dropped => Next::Done,
        Outcome::Again(next) => Next::Delay(app.clock.now().until(next).max(MIN_DELAY)),
        Outcome::Failed => Next::DeadLetter,
    })
}
