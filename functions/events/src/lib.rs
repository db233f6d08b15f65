//! Works off the table's stream: what an agent is to be told becomes a delivery.
//!
//! Records are handled one after the other, as they were written. At the first that fails the
//! batch ends and says so, and is brought again from there: nothing is left out, and what is done
//! twice is the same delivery.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use shared::app::App;
use shared::error::Error;
use shared::permissions::Need;
use shared::storage::{Image, Occurrence};

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Queue("sqs:SendMessage"),
];

pub async fn handle(app: &App, event: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone();
        if let Err(err) = record_of(app, record).await {
            tracing::error!(code = err.code(), cause = ?err, sequence_number, "a record of the stream failed");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            response.batch_item_failures.push(failure);
            break;
        }
    }
    response
}

async fn record_of(app: &App, record: EventRecord) -> Result<(), Error> {
    if record.event_name == "REMOVE" {
        return Ok(());
    }
    let image = |image: Image| Some(image).filter(|image| !image.is_empty());
    match Occurrence::of(image(record.change.old_image), image(record.change.new_image))? {
        Some(occurrence) => deliver(app, occurrence).await,
        None => Ok(()),
    }
}

/// Keeps the delivery before it is queued: a record that is brought again after a crash between
/// the two finds it there, and queues it.
async fn deliver(app: &App, occurrence: Occurrence) -> Result<(), Error> {
    let Some(webhook) = app.store.webhook_of(occurrence.owner, occurrence.message_id.channel()).await? else {
        return Ok(());
    };
    if occurrence.webhook_url.is_none() && webhook.url.is_none() && occurrence.callback.is_none() {
        return Ok(());
    }
    let reference = app.store.keep_delivery(occurrence).await?;
    app.queue.send(&[reference]).await
}
