//! Works off the queue of deliveries: sends what is due, and hides what is to be sent later.
//!
//! - [`attempt_log`]: the row of a try in the log; the try itself is in [`shared::webhook`]
//! - [`retries`]: when the next one is
//!
//! A message of the queue is done when its delivery is. One whose delivery was given up fails
//! until the queue sets it aside.

pub mod attempt_log;
pub mod retries;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use shared::app::App;
use shared::error::Error;
use shared::permissions::Need;
use shared::queue::Reference;
use shared::storage::{Claim, Delivery, DeliveryOutcome as Outcome};
use shared::webhook::{self, Answer, Event, Target};

/// What becomes of a message of the queue.
enum Next {
    Done,
    Hide(Duration),
}

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Queue("sqs:ChangeMessageVisibility"),
];

pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let left = join_all(event.records.iter().map(|message| left_over(app, message))).await;
    left.into_iter().flatten().for_each(|id| response.add_failure(id));
    response
}

/// The id of a message that is to stay in the queue.
async fn left_over(app: &App, message: &SqsMessage) -> Option<String> {
    let hidden = match work_off(app, message).await {
        Ok(Next::Done) => return None,
        Ok(Next::Hide(span)) => app.queue.hide(message.receipt_handle.as_deref().unwrap_or_default(), span).await,
        Err(err) => Err(err),
    };
    if let Err(err) = hidden {
        // It comes again when the queue's own time is over.
        tracing::warn!(code = err.code(), cause = ?err, "a message of the queue failed");
    }
    Some(message.message_id.clone().unwrap_or_default())
}

async fn work_off(app: &App, message: &SqsMessage) -> Result<Next, Error> {
    let body = message.body.as_deref().unwrap_or_default();
    let reference: Reference =
        serde_json::from_str(body).map_err(|err| Error::internal(format!("no reference to a delivery: {err}")))?;
    let claim = match app.store.claim_delivery(&reference).await {
        Err(err) if err.is_permanent() => {
            tracing::error!(code = err.code(), cause = ?err, message = %reference.message_id, "a delivery is unreadable");
            app.store.give_up_event(reference.message_id).await?;
            Claim::Failed
        }
        claim => claim?,
    };
    let (delivery, lease) = match claim {
        Claim::Done => return Ok(Next::Done),
        Claim::Failed => return Ok(Next::Hide(Duration::ZERO)),
        // A whole second at least: coming back at once would only be too early again.
        Claim::Later(span) => return Ok(Next::Hide(span.max(Duration::from_secs(1)))),
        Claim::Yours(delivery, lease) => (delivery, lease),
    };
    let outcome = attempt(app, &delivery).await?;
    app.store.settle_delivery(&reference, lease, outcome).await?;
    Ok(match outcome {
        Outcome::Delivered | Outcome::Dropped => Next::Done,
        Outcome::Again(next) => Next::Hide(app.clock.now().until(next)),
        Outcome::Failed => Next::Hide(Duration::ZERO),
    })
}

async fn attempt(app: &App, delivery: &Delivery) -> Result<Outcome, Error> {
    let channel = delivery.message_id.channel();
    let Some(hook) = app.store.webhook_of(delivery.owner_id, channel).await? else { return Ok(Outcome::Dropped) };
    let Some(target) = Target::of(delivery, &hook) else { return Ok(Outcome::Dropped) };
    let began = app.clock.now();
    let event = Event { id: &delivery.webhook_id, payload: &delivery.payload };
    let (answer, took) = webhook::send(&app.outbound, event, &target, &hook.secrets, began).await;
    attempt_log::keep(app, delivery, &target, &answer, took, began).await;
    Ok(match answer {
        Answer::Http { status, .. } if status.is_success() => Outcome::Delivered,
        Answer::Http { status, .. } if status.as_u16() == 410 => Outcome::Failed,
        answer => {
            let asked = answer.retry_after().and_then(|it| retries::asked(it, began));
            match retries::pause(delivery.attempts, asked) {
                Some(pause) => Outcome::Again(app.clock.now().plus(pause)),
                None => Outcome::Failed,
            }
        }
    })
}
