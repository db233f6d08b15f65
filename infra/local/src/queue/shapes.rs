//! What SQS's operations are sent, and answer.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub type Attributes = HashMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateQueue {
    pub queue_name: String,
    #[serde(default)]
    pub attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueUrl {
    pub queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueAttributes {
    pub queue_url: String,
    #[serde(default)]
    pub attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessage {
    pub queue_url: String,
    #[serde(flatten)]
    pub outgoing: Outgoing,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outgoing {
    pub message_body: String,
    pub delay_seconds: Option<i64>,
    #[serde(default)]
    pub message_attributes: HashMap<String, serde::de::IgnoredAny>,
}

/// An operation on several messages of a queue at once.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Batch<T> {
    pub queue_url: String,
    pub entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry<T> {
    pub id: String,
    #[serde(flatten)]
    pub what: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceiveMessage {
    pub queue_url: String,
    pub max_number_of_messages: Option<i64>,
    pub visibility_timeout: Option<i64>,
    pub wait_time_seconds: Option<i64>,
    #[serde(default)]
    pub attribute_names: Vec<String>,
    #[serde(default)]
    pub message_system_attribute_names: Vec<String>,
}

/// Which message, and of which queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct One<T> {
    pub queue_url: String,
    #[serde(flatten)]
    pub what: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Deletion {
    pub receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Visibility {
    pub receipt_handle: String,
    pub visibility_timeout: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueUrl {
    pub queue_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sent {
    pub message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Received {
    pub message_id: String,
    pub receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: String,
    pub body: String,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub attributes: Attributes,
}

/// What became of a batch's entries.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcomes<T> {
    pub successful: Vec<Success<T>>,
    pub failed: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Success<T> {
    pub id: String,
    #[serde(flatten)]
    pub what: T,
}

/// Nothing more to say of an entry than that it was done.
#[derive(Serialize)]
pub struct Done {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failure {
    pub id: String,
    pub code: &'static str,
    pub sender_fault: bool,
    pub message: String,
}
