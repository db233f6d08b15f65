//! Processes the table's stream: creates the deliveries of events that agents receive, bumps the inbox version
//! of users whose inbox shows the change, once per batch, and creates the notifications of users who want some:
//! the bump shows who they are.
//!
//! Up to eight records are processed concurrently, so that many records of one agent hardly delay those
//! of others. After the first failure no further record is started. The response names that record and
//! the batch is delivered again from there: nothing is skipped, and processing a record twice leads to
//! the same delivery. A message has at most one event of each kind, so the order of its records does
//! not matter. A failed version bump fails its record too.
//!
//! A record that would fail every time must not block those behind it. Its event is given up: the
//! message becomes `webhook_failed`, and the batch goes on.

use std::collections::BTreeMap;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures_util::{StreamExt, stream};
use shared::error::Error;
use shared::http::App;
use shared::iam::Permission;
use shared::ids::{MessageId, UserId};
use shared::storage::{NotifyMark, ReviewChange, StoredGrowth, StreamImage, WebhookEvent, affected_user, message_of};

/// How many records are processed, and versions bumped, concurrently.
const MAX_CONCURRENCY: usize = 8;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Queue("sqs:SendMessage"),
    Permission::Notifications("sqs:SendMessage"),
];

/// Handles one batch of stream records; the response names the record to repeat from, if one failed.
pub async fn handle(app: &App, event: Event) -> DynamoDbEventResponse {
    let numbers: Vec<_> = event.records.iter().map(|record| record.change.sequence_number.clone()).collect();
    let (mut failed, mut changed) = (None, BTreeMap::<UserId, UserChanges>::new());
    let handled = event.records.into_iter().enumerate().map(|(place, record)| async move {
        let (old, new) = images(record);
        let user = affected_user(old.as_ref(), new.as_ref());
        let stored = StoredGrowth::of(old.as_ref(), new.as_ref());
        let message = new.as_ref().and_then(message_of);
        let review = ReviewChange::of(old.as_ref(), new.as_ref()).filter(|_| app.notifications.is_set());
        let outcome = match publish(app, old, new).await {
            Err(err) if err.is_permanent() => give_up(app, message, err).await,
            outcome => outcome,
        };
        (place, user, (stored, review), outcome)
    });
    let mut handled = stream::iter(handled).buffered(MAX_CONCURRENCY);
    while let Some((place, user, (stored, review), outcome)) = handled.next().await {
        if let Some(user) = user {
            let changes = changed.entry(user).or_insert_with(|| UserChanges::from(place));
            // What failed is delivered again, and counted then.
            changes.stored += if outcome.is_ok() { stored } else { StoredGrowth::default() };
            changes.reviews.extend(review.map(|review| (place, review)));
        }
        if let Err(err) = outcome {
            tracing::error!(code = err.code(), cause = ?err, sequence_number = numbers[place], "a record failed");
            failed = Some(place);
            // Later records are delivered again, after this one.
            break;
        }
    }
    // What was begun of the records after a failed one ends here: while it is not polled, it may hold a connection or a
    // lock that the calls below wait for.
    drop(handled);
    let first = failed.into_iter().chain(process_users(app, changed).await).min();
    let mut response = DynamoDbEventResponse::default();
    if let Some(place) = first {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = numbers[place].clone();
        response.batch_item_failures.push(failure);
    }
    response
}

/// What a batch has changed for one user.
struct UserChanges {
    /// The position of the first record of the user.
    first: usize,
    /// By how much the user's files and archives grow.
    stored: StoredGrowth,
    /// Reviews that began or ended, with the positions of their records, in order.
    reviews: Vec<(usize, ReviewChange)>,
}

impl UserChanges {
    fn from(first: usize) -> Self {
        Self { first, stored: StoredGrowth::default(), reviews: vec![] }
    }
}

/// Bumps the inbox versions of these users, and creates their notifications. Returns the positions of records that have
/// to be repeated.
async fn process_users(app: &App, changed: BTreeMap<UserId, UserChanges>) -> Vec<usize> {
    let each = changed.into_iter().map(|(user, changes)| async move {
        let UserChanges { first, stored, reviews } = changes;
        match app.store.inbox().record_change(user, stored).await {
            Ok(Some(mark)) => notify(app, reviews, mark).await,
            Ok(None) => None,
            Err(err) => {
                tracing::error!(code = err.code(), cause = ?err, %user, "an inbox version could not be bumped");
                (!err.is_permanent()).then_some(first)
            }
        }
    });
    let each: Vec<_> = each.collect();
    stream::iter(each).buffer_unordered(MAX_CONCURRENCY).filter_map(std::future::ready).collect().await
}

/// Creates the notifications of one user, in the order of the changes. Returns the position of the first record that
/// failed.
async fn notify(app: &App, reviews: Vec<(usize, ReviewChange)>, mark: NotifyMark) -> Option<usize> {
    for (place, review) in reviews {
        let message = review.message_id;
        if let Err(err) = notify_of(app, review, mark).await {
            tracing::error!(code = err.code(), cause = ?err, %message, "notifications could not be created");
            // Those that would fail every time must not block others.
            if !err.is_permanent() {
                return Some(place);
            }
        }
    }
    None
}

/// Stores the notifications before their messages are sent, as of deliveries.
async fn notify_of(app: &App, review: ReviewChange, mark: NotifyMark) -> Result<(), Error> {
    for reference in app.store.notifications().enqueue(review, mark).await? {
        app.notifications.send_notification(&reference).await?;
    }
    Ok(())
}

/// Gives up an event that can be neither stored nor sent: its message becomes `webhook_failed`.
async fn give_up(app: &App, message: Option<MessageId>, why: Error) -> Result<(), Error> {
    tracing::error!(code = why.code(), cause = ?why, ?message, "an event is given up: it would fail every time");
    let Some(message) = message else { return Ok(()) };
    match app.store.webhooks().give_up(message).await {
        Err(err) if err.is_permanent() => {
            tracing::error!(code = err.code(), cause = ?err, %message, "a message cannot be marked webhook_failed");
            Ok(())
        }
        outcome => outcome,
    }
}

fn images(record: EventRecord) -> (Option<StreamImage>, Option<StreamImage>) {
    let image = |image: StreamImage| Some(image).filter(|image| !image.is_empty());
    (image(record.change.old_image), image(record.change.new_image))
}

/// Creates the delivery of an event, if the change is one.
async fn publish(app: &App, old: Option<StreamImage>, new: Option<StreamImage>) -> Result<(), Error> {
    match WebhookEvent::of(old, new)? {
        Some(occurrence) => deliver(app, occurrence).await,
        None => Ok(()),
    }
}

/// Stores the delivery before its message is sent. After a crash between the two, the record is
/// delivered again, finds the delivery and sends the message.
async fn deliver(app: &App, event: WebhookEvent) -> Result<(), Error> {
    let Some(webhook) = app.store.agents().webhook(event.owner, event.message_id.channel()).await? else {
        return Ok(());
    };
    if event.webhook_url.is_none() && webhook.url.is_none() && event.callback.is_none() {
        return Ok(());
    }
    let reference = app.store.webhooks().enqueue(event).await?;
    app.queue.send(&reference).await
}
