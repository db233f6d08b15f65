//! Works off the table's stream: what an agent is to be told becomes a delivery, and whoever's
//! inbox shows the change has it noted, once per batch.
//!
//! Up to eight records are handled at a time, so that very many of one agent hold up the
//! others' little. After the first that fails no further one is begun; the batch says which it was,
//! and is brought again from there: nothing is left out, and what is done twice is the same
//! delivery. A message has one event of a kind at most, so the order of its records does not matter.
//! A change that could not be noted fails its record, too.
//!
//! A record that fails in the same way every time must not hold up those behind it, which are other
//! people's. It is set aside: its message becomes `webhook_failed`, and the batch goes on.

use std::collections::BTreeMap;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures_util::{StreamExt, stream};
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::ids::{MessageId, UserId};
use shared::storage::{StreamImage, WebhookEvent, affected_user, message_of};

/// How many records are handled at a time, and how many users have their changes noted.
const CONCURRENT: usize = 8;

/// What this function does in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Queue("sqs:SendMessage"),
];

pub async fn handle(app: &App, event: Event) -> DynamoDbEventResponse {
    let numbers: Vec<_> = event.records.iter().map(|record| record.change.sequence_number.clone()).collect();
    let (mut failed, mut changed) = (None, BTreeMap::new());
    let handled = event.records.into_iter().enumerate().map(|(place, record)| async move {
        let (old, new) = images(record);
        let user = affected_user(old.as_ref(), new.as_ref());
        let message = new.as_ref().and_then(message_of);
        let told = match tell(app, old, new).await {
            Err(err) if err.is_permanent() => set_aside(app, message, err).await,
            told => told,
        };
        (place, user, told)
    });
    let mut handled = stream::iter(handled).buffered(CONCURRENT);
    while let Some((place, user, told)) = handled.next().await {
        if let Some(user) = user {
            changed.entry(user).or_insert(place);
        }
        if let Err(err) = told {
            tracing::error!(code = err.code(), cause = ?err, sequence_number = numbers[place], "a record failed");
            failed = Some(place);
            // What comes after it is seen once it is done.
            break;
        }
    }
    let first = failed.into_iter().chain(note(app, changed).await).min();
    let mut response = DynamoDbEventResponse::default();
    if let Some(place) = first {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = numbers[place].clone();
        response.batch_item_failures.push(failure);
    }
    response
}

/// Notes the changes of what these users' inboxes show. Those that could not be, by their places.
async fn note(app: &App, changed: BTreeMap<UserId, usize>) -> Vec<usize> {
    let noted = changed.into_iter().map(|(user, place)| async move {
        let failure = app.store.inbox().bump_version(user).await.err()?;
        tracing::error!(code = failure.code(), cause = ?failure, %user, "a change could not be noted");
        (!failure.is_permanent()).then_some(place)
    });
    let noted: Vec<_> = noted.collect();
    stream::iter(noted).buffer_unordered(CONCURRENT).filter_map(std::future::ready).collect().await
}

/// Gives up an event that can be neither kept nor sent, and has its message say so.
async fn set_aside(app: &App, message: Option<MessageId>, why: Error) -> Result<(), Error> {
    tracing::error!(code = why.code(), cause = ?why, ?message, "an event is set aside: no repeat could help it");
    let Some(message) = message else { return Ok(()) };
    match app.store.webhooks().give_up(message).await {
        Err(err) if err.is_permanent() => {
            tracing::error!(code = err.code(), cause = ?err, %message, "a message cannot be marked webhook_failed");
            Ok(())
        }
        said => said,
    }
}

fn images(record: EventRecord) -> (Option<StreamImage>, Option<StreamImage>) {
    let image = |image: StreamImage| Some(image).filter(|image| !image.is_empty());
    (image(record.change.old_image), image(record.change.new_image))
}

/// Tells the agent, if there is something to tell.
async fn tell(app: &App, old: Option<StreamImage>, new: Option<StreamImage>) -> Result<(), Error> {
    match WebhookEvent::of(old, new)? {
        Some(occurrence) => deliver(app, occurrence).await,
        None => Ok(()),
    }
}

/// Keeps the delivery before it is queued: a record that is brought again after a crash between
/// the two finds it there, and queues it.
async fn deliver(app: &App, occurrence: WebhookEvent) -> Result<(), Error> {
    let Some(webhook) = app.store.agents().webhook(occurrence.owner, occurrence.message_id.channel()).await? else {
        return Ok(());
    };
    if occurrence.webhook_url.is_none() && webhook.url.is_none() && occurrence.callback.is_none() {
        return Ok(());
    }
    let reference = app.store.webhooks().enqueue(occurrence).await?;
    app.queue.send(&reference).await
}
