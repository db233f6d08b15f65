//! Converts a stream record of the SDK to the type of Lambda's event.

use aws_lambda_events::event::dynamodb::{EventRecord, StreamViewType, UserIdentity};
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use serde_dynamo::Item;
use std::collections::HashMap;

/// The record in Lambda's type. `stream` is the stream's ARN.
pub fn from_sdk(record: Record, stream: &str) -> EventRecord {
    let mut event = EventRecord::default();
    event.event_source_arn = Some(stream.to_owned());
    event.event_id = record.event_id.unwrap_or_default();
    event.event_name = record.event_name.map(|name| name.as_str().to_owned()).unwrap_or_default();
    event.event_source = record.event_source;
    event.event_version = record.event_version;
    event.aws_region = record.aws_region.unwrap_or_default();
    event.user_identity = record.user_identity.map(|user| {
        let mut identity = UserIdentity::default();
        identity.type_ = user.r#type.unwrap_or_default();
        identity.principal_id = user.principal_id.unwrap_or_default();
        identity
    });
    let Some(change) = record.dynamodb else { return event };
    if let Some(at) = change.approximate_creation_date_time {
        event.change.approximate_creation_date_time =
            at.to_millis().ok().and_then(chrono::DateTime::from_timestamp_millis).unwrap_or_default();
    }
    event.change.keys = item(change.keys);
    event.change.new_image = item(change.new_image);
    event.change.old_image = item(change.old_image);
    event.change.sequence_number = change.sequence_number;
    event.change.size_bytes = change.size_bytes.unwrap_or_default();
    event.change.stream_view_type = Some(StreamViewType::NewAndOldImages);
    event
}

fn item(attributes: Option<HashMap<String, AttributeValue>>) -> Item {
    attributes.map(Item::from).unwrap_or_default()
}
