//! Processes the queue of deliveries: sends those that are due and delays the others.
//!
//! - [`attempt_log`]: the request log entry of an attempt; [`shared::webhook`] makes the attempt
//! - [`retries`]: the delays between attempts
//!
//! A channel and a user may have a few deliveries in progress at once. Further messages are delayed
//! before any work is done for them, so they neither block nor precede the deliveries of others.
//!
//! A message leaves the queue when its delivery is finished. If the delivery failed for good, the message moves to the
//! dead-letter queue at once; the state of the delivery is stored before.

pub mod attempt_log;
pub mod retries;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use shared::aws::queue::DeliveryRef;
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::storage::{Claim, Delivery, DeliveryOutcome as Outcome};
use shared::webhook::{self, Answer, Event, Target};
use tokio::sync::mpsc;

/// The most messages that one call to SQS takes.
const BATCH_SIZE: usize = 10;

/// What happens to a message of the queue.
enum Next {
    Done,
    Delay(Duration),
    /// Its delivery failed for good.
    DeadLetter,
    /// Its channel or user has as many deliveries in progress as allowed.
    Throttled,
}

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Queue("sqs:ChangeMessageVisibility"),
    Permission::DeadLetters("sqs:SendMessage"),
];

pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let (throttled, receiver) = mpsc::unbounded_channel();
    let each = event.records.iter().map(|message| failed_id(app, message, throttled.clone()));
    let each: Vec<_> = each.collect();
    drop(throttled);
    let (left, ()) = tokio::join!(join_all(each), delay_throttled(app, receiver));
    left.into_iter().flatten().for_each(|id| response.add_failure(id));
    response
}

/// Delays throttled messages, in batches of those that arrive together.
async fn delay_throttled<'a>(app: &App, mut throttled: mpsc::UnboundedReceiver<&'a SqsMessage>) {
    let mut found: Vec<&'a SqsMessage> = vec![];
    while throttled.recv_many(&mut found, BATCH_SIZE).await > 0 {
        let receipt = |message: &'a SqsMessage| message.receipt_handle.as_deref().unwrap_or_default();
        let delayed: Vec<_> = found.drain(..).map(|it| (receipt(it), retries::throttled_delay(receives(it)))).collect();
        if let Err(err) = app.queue.delay_all(&delayed).await {
            tracing::warn!(code = err.code(), cause = ?err, "messages of the queue could not be delayed");
        }
    }
}

/// How often a message was received, this time included.
fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|it| it.parse().ok()).unwrap_or(1)
}

/// The id of a message that stays in the queue.
async fn failed_id<'a>(
    app: &App,
    message: &'a SqsMessage,
    throttled: mpsc::UnboundedSender<&'a SqsMessage>,
) -> Option<String> {
    let delayed = match process(app, message).await {
        Ok(Next::Done) => return None,
        Ok(Next::DeadLetter) => match app.queue.dead_letter(message.body.as_deref().unwrap_or_default()).await {
            Ok(()) => return None,
            Err(err) => Err(err),
        },
        Ok(Next::Throttled) => throttled.send(message).map_err(Error::internal),
        Ok(Next::Delay(span)) => app.queue.delay(message.receipt_handle.as_deref().unwrap_or_default(), span).await,
        Err(err) => Err(err),
    };
    if let Err(err) = delayed {
        // SQS delivers it again when its visibility timeout is over.
        tracing::warn!(code = err.code(), cause = ?err, "a message of the queue failed");
    }
    Some(message.message_id.clone().unwrap_or_default())
}

async fn process(app: &App, message: &SqsMessage) -> Result<Next, Error> {
    let body = message.body.as_deref().unwrap_or_default();
    let reference: DeliveryRef = serde_json::from_str(body)
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
