//! Works off the queue of deliveries: sends what is due, and hides what is to be sent later.
//!
//! - [`attempt_log`]: the row of a try in the log; the try itself is in [`shared::webhook`]
//! - [`retries`]: when the next one is
//!
//! Of one channel, and of one user, a few deliveries are under way at once. The others are hidden
//! again before anything is done with them, so that they neither hold up other channels' deliveries
//! nor stand in front of them.
//!
//! A message of the queue is done when its delivery is. One whose delivery was given up fails, a
//! second apart, until the queue sets it aside.

pub mod attempt_log;
pub mod retries;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::queue::Reference;
use shared::storage::{Claim, Delivery, DeliveryOutcome as Outcome};
use shared::webhook::{self, Answer, Event, Target};
use tokio::sync::mpsc;

/// What SQS takes in one call.
const SQS_BATCH: usize = 10;

/// How long a delivery that was given up is hidden each time until the queue sets it aside. A queue may
/// bring its oldest message first: hidden for no time, this one would stand in front of all others.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// What becomes of a message of the queue.
enum Next {
    Done,
    Hide(Duration),
    /// Its channel has as many under way as it may.
    Crowded,
}

/// What this function does in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Queue("sqs:ChangeMessageVisibility"),
];

pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let (crowded, told) = mpsc::unbounded_channel();
    let each = event.records.iter().map(|message| left_over(app, message, crowded.clone()));
    let each: Vec<_> = each.collect();
    drop(crowded);
    let (left, ()) = tokio::join!(join_all(each), hide_crowded(app, told));
    left.into_iter().flatten().for_each(|id| response.add_failure(id));
    response
}

/// Hides the messages that found their channel crowded, all that were found together at once.
async fn hide_crowded<'a>(app: &App, mut crowded: mpsc::UnboundedReceiver<&'a SqsMessage>) {
    let mut found: Vec<&'a SqsMessage> = vec![];
    while crowded.recv_many(&mut found, SQS_BATCH).await > 0 {
        let receipt = |message: &'a SqsMessage| message.receipt_handle.as_deref().unwrap_or_default();
        let hidden: Vec<_> = found.drain(..).map(|it| (receipt(it), retries::crowded(receives(it)))).collect();
        if let Err(err) = app.queue.hide_all(&hidden).await {
            tracing::warn!(code = err.code(), cause = ?err, "messages of the queue could not be put off");
        }
    }
}

/// How often a message was received, this time included.
fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|it| it.parse().ok()).unwrap_or(1)
}

/// The id of a message that is to stay in the queue.
async fn left_over<'a>(
    app: &App,
    message: &'a SqsMessage,
    crowded: mpsc::UnboundedSender<&'a SqsMessage>,
) -> Option<String> {
    let hidden = match work_off(app, message).await {
        Ok(Next::Done) => return None,
        Ok(Next::Crowded) => crowded.send(message).map_err(Error::internal),
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
    let deliveries = &app.store.limits().deliveries;
    let Some(_place) = deliveries.enter(reference.message_id.channel(), reference.owner_id).await else {
        return Ok(Next::Crowded);
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
        Claim::Failed => return Ok(Next::Hide(GIVEN_UP)),
        // A whole second at least: coming back at once would only be too early again.
        Claim::Later(span) => return Ok(Next::Hide(span.max(Duration::from_secs(1)))),
        Claim::Yours(delivery, lease) => (delivery, lease),
    };
    let outcome = attempt(app, &delivery).await?;
    app.store.webhooks().finish(&reference, lease, outcome).await?;
    Ok(match outcome {
        Outcome::Delivered | Outcome::Dropped => Next::Done,
        Outcome::Again(next) => Next::Hide(app.clock.now().until(next)),
        Outcome::Failed => Next::Hide(GIVEN_UP),
    })
}

async fn attempt(app: &App, delivery: &Delivery) -> Result<Outcome, Error> {
    let channel = delivery.message_id.channel();
    let Some(hook) = app.store.agents().webhook(delivery.owner_id, channel).await? else { return Ok(Outcome::Dropped) };
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
