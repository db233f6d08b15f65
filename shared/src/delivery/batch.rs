//! Processes a batch of messages of a queue of deliveries.
//!
//! A message leaves the queue when its delivery is finished. If the delivery failed for good, the message moves to the
//! dead-letter queue at once; the state of the delivery is stored before. Throttled messages are delayed before any
//! work is done for them, so they neither block nor precede the deliveries of others.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::aws::queue::Queue;
use crate::delivery::retries;
use crate::error::Error;

/// The most messages that one call to SQS takes.
const BATCH_SIZE: usize = 10;

/// What happens to a message of the queue.
pub enum Next {
    Done,
    Delay(Duration),
    /// Its delivery failed for good.
    DeadLetter,
    /// Its channel or user has as many deliveries in progress as allowed.
    Throttled,
}

/// Passes the body of each message to `process`, all of them concurrently. The response names those that stay in the
/// queue.
pub async fn process<P>(queue: &Queue, event: SqsEvent, process: impl Fn(String) -> P) -> SqsBatchResponse
where
    P: Future<Output = Result<Next, Error>>,
{
    let mut response = SqsBatchResponse::default();
    let (throttled, receiver) = mpsc::unbounded_channel();
    let each = event.records.iter().map(|message| {
        let next = process(message.body.clone().unwrap_or_default());
        failed_id(queue, message, next, throttled.clone())
    });
    let each: Vec<_> = each.collect();
    drop(throttled);
    let (left, ()) = tokio::join!(join_all(each), delay_throttled(queue, receiver));
    left.into_iter().flatten().for_each(|id| response.add_failure(id));
    response
}

/// Delays throttled messages, in batches of those that arrive together.
async fn delay_throttled<'a>(queue: &Queue, mut throttled: mpsc::UnboundedReceiver<&'a SqsMessage>) {
    let mut found: Vec<&'a SqsMessage> = vec![];
    while throttled.recv_many(&mut found, BATCH_SIZE).await > 0 {
        let receipt = |message: &'a SqsMessage| message.receipt_handle.as_deref().unwrap_or_default();
        let delayed: Vec<_> = found.drain(..).map(|it| (receipt(it), retries::throttled_delay(receives(it)))).collect();
        if let Err(err) = queue.delay_all(&delayed).await {
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
    queue: &Queue,
    message: &'a SqsMessage,
    next: impl Future<Output = Result<Next, Error>>,
    throttled: mpsc::UnboundedSender<&'a SqsMessage>,
) -> Option<String> {
    let delayed = match next.await {
        Ok(Next::Done) => return None,
        Ok(Next::DeadLetter) => match queue.dead_letter(message.body.as_deref().unwrap_or_default()).await {
            Ok(()) => return None,
            Err(err) => Err(err),
        },
        Ok(Next::Throttled) => throttled.send(message).map_err(Error::internal),
        Ok(Next::Delay(span)) => queue.delay(message.receipt_handle.as_deref().unwrap_or_default(), span).await,
        Err(err) => Err(err),
    };
    if let Err(err) = delayed {
        // SQS delivers it again when its visibility timeout is over.
        tracing::warn!(code = err.code(), cause = ?err, "a message of the queue failed");
    }
    Some(message.message_id.clone().unwrap_or_default())
}
