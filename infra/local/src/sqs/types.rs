//! The inputs and outputs of SQS's operations, in its JSON protocol.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Attributes by name.
pub type Attributes = HashMap<String, String>;

/// The input of `CreateQueue`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateQueue {
    pub queue_name: String,
    #[serde(default)]
    pub attributes: Attributes,
}

/// The input of `GetQueueUrl`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueUrl {
    pub queue_name: String,
}

/// The input of `GetQueueAttributes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetQueueAttributes {
    pub queue_url: String,
    #[serde(default)]
    pub attribute_names: Vec<String>,
}

/// The input of `SendMessage`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendMessage {
    pub queue_url: String,
    #[serde(flatten)]
    pub message: MessageInput,
}

/// A message to send. `MessageGroupId` is ignored: SQS uses it for fairness between groups, which
/// the `webhooks` function enforces itself.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageInput {
    pub message_body: String,
    pub delay_seconds: Option<i64>,
    #[serde(default)]
    pub message_attributes: HashMap<String, serde::de::IgnoredAny>,
}

/// An operation on up to ten messages of a queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Batch<T> {
    pub queue_url: String,
    pub entries: Vec<Entry<T>>,
}

/// One entry of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry<T> {
    pub id: String,
    #[serde(flatten)]
    pub input: T,
}

/// The input of `ReceiveMessage`. Times are in seconds.
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

/// An operation on one message of a queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Single<T> {
    pub queue_url: String,
    #[serde(flatten)]
    pub input: T,
}

/// The message to delete.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteInput {
    pub receipt_handle: String,
}

/// The message to change, and its new visibility timeout in seconds.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VisibilityInput {
    pub receipt_handle: String,
    pub visibility_timeout: i64,
}

/// The output of `CreateQueue` and `GetQueueUrl`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueueUrl {
    pub queue_url: String,
}

/// The id of a sent message and the MD5 of its body in hexadecimal.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendResult {
    pub message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: String,
}

/// A message in the output of `ReceiveMessage`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReceivedMessage {
    pub message_id: String,
    pub receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: String,
    pub body: String,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub attributes: Attributes,
}

/// The results of a batch, by entry.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResult<T> {
    pub successful: Vec<BatchSuccess<T>>,
    pub failed: Vec<BatchFailure>,
}

/// An entry that succeeded.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchSuccess<T> {
    pub id: String,
    #[serde(flatten)]
    pub output: T,
}

/// A result without content.
#[derive(Serialize)]
pub struct Empty {}

/// An entry that failed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchFailure {
    pub id: String,
    pub code: &'static str,
    pub sender_fault: bool,
    pub message: String,
}
