//! Processes the queue of deliveries: sends those that are due and delays the others.
//!
//! - [`attempt_log`]: the request log entry of an attempt; [`shared::webhook`] makes the attempt
//!
//! [`shared::delivery`] has what this function shares with `notify`: the processing of a batch, and the delays between
//! attempts. A channel and a user may have a few deliveries in progress at once.

pub mod attempt_log;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use shared::aws::queue::DeliveryRef;
use shared::delivery::batch::{self, Next};
use shared::delivery::retries;
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::storage::{Claim, Delivery, DeliveryOutcome as Outcome};
use shared::webhook::{self, Answer, Event, Target};

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Queue("sqs:ChangeMessageVisibility"),
    Permission::DeadLetters("sqs:SendMessage"),
];

/// Sends the deliveries that a batch of the queue names.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    batch::process(&app.queue, event, |body| process(app, body)).await
}

async fn process(app: &App, body: String) -> Result<Next, Error> {
    let reference: DeliveryRef = serde_json::from_str(&body)
        .map_err(|err| Error::internal(format!("the message is not a delivery reference: {err}")))?;
    let deliveries = &app.store.limits().deliveries;
    let Some(_slot) = deliveries.acquire(reference.message_id.channel(), reference.owner_id).await else {
        return Ok(Next::Throttled);
    };
    let claim = match app.store.webhooks().claim(&reference).await {
        Err(err) if err.is_permanent() => {
            tracing::error!(code = err.code(), cause = ?err, message = %reference.message_id, "a delivery is unreadable");
            app.store.webhooks().give_up(reference.message_id).await?;
            Claim::Failed
        }
        claim => claim?,
    };
    let (delivery, lease) = match claim {
        Claim::Done => return Ok(Next::Done),
        Claim::Failed => return Ok(Next::DeadLetter),
        // At least a second: a message that returns at once would be early again.
        Claim::Later(span) => return Ok(Next::Delay(span.max(Duration::from_secs(1)))),
        Claim::Yours(delivery, lease) => (delivery, lease),
    };
    let outcome = attempt(app, &delivery).await?;
    app.store.webhooks().finish(&reference, lease, outcome).await?;
    Ok(match outcome {
        Outcome::Delivered | Outcome::Dropped => Next::Done,
        Outcome::Again(next) => Next::Delay(app.clock.now().until(next)),
        Outcome::Failed => Next::DeadLetter,
    })
}

async fn attempt(app: &App, delivery: &Delivery) -> Result<Outcome, Error> {
    let channel = delivery.message_id.channel();
    let Some(hook) = app.store.agents().webhook(delivery.owner_id, channel).await? else { return Ok(Outcome::Dropped) };
    let Some(target) = Target::of(delivery, &hook) else { return Ok(Outcome::Dropped) };
    let began = app.clock.now();
    let event = Event { id: &delivery.webhook_id, payload: &delivery.payload };
    let (answer, took) = webhook::send(&app.outbound, event, &target, &hook.secrets, began).await;
    attempt_log::record(app, delivery, &target, &answer, took, began).await;
    Ok(match answer {
        Answer::Http { status, .. } if status.is_success() => Outcome::Delivered,
        Answer::Http { status, .. } if status.as_u16() == 410 => Outcome::Failed,
        answer => {
            let retry_after = answer.retry_after().and_then(|it| retries::parse_retry_after(it, began));
            match retries::next_delay(delivery.attempts, retry_after) {
                Some(delay) => Outcome::Again(app.clock.now().plus(delay)),
                None => Outcome::Failed,
            }
        }
    })
}
