//! SQS's JSON protocol: the operation's name in `X-Amz-Target`, its input in the body.
//!
//! Limits and messages: the SQS API reference, `ReceiveMessage`, `SendMessageBatch` and
//! `ChangeMessageVisibility`.

use std::collections::HashSet;

use bytes::Bytes;
use http::Response;
use md5::{Digest, Md5};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::hex;

use super::error::SqsError;
use super::store::{Message, Queues, Receipt, VisibilityChange};
use super::types::*;
use super::{MAX_BYTES, MAX_VISIBILITY_TIMEOUT, attributes};

/// Seconds.
const MAX_DELAY: i64 = 900;
/// Seconds.
const MAX_WAIT: i64 = 20;
/// Of one batch request.
const MAX_ENTRIES: usize = 10;

/// Answers the protocol's requests from the queues.
#[derive(Clone)]
pub struct Service {
    queues: Queues,
    url: String,
}

impl Service {
    /// Serves `queues` under URLs that begin with `url`.
    pub fn new(queues: Queues, url: &str) -> Self {
        Self { queues, url: url.to_owned() }
    }

    /// Answers one request. `target` is the value of `X-Amz-Target`.
    pub async fn answer(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
        let answer = match operation {
            "CreateQueue" => respond(parse(body), |it| self.create_queue(it)).await,
            "GetQueueUrl" => respond(parse(body), |it| self.queue_url(it)).await,
            "GetQueueAttributes" => respond(parse(body), |it| self.queue_attributes(it)).await,
            "SendMessage" => respond(parse(body), |it| self.send(it)).await,
            "SendMessageBatch" => respond(parse(body), |it| self.send_batch(it)).await,
            "ReceiveMessage" => respond(parse(body), |it| self.receive(it)).await,
            "DeleteMessage" => respond(parse(body), |it| self.delete(it)).await,
            "DeleteMessageBatch" => respond(parse(body), |it| self.delete_batch(it)).await,
            "ChangeMessageVisibility" => respond(parse(body), |it| self.change_visibility(it)).await,
            "ChangeMessageVisibilityBatch" => respond(parse(body), |it| self.change_visibility_batch(it)).await,
            other => Err(SqsError::Unsupported(format!("the operation {other}"))),
        };
        answer.unwrap_or_else(SqsError::into_response)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|err| SqsError::InvalidParameter(err.to_string()))
}

async fn respond<Q, A: Serialize, W: Future<Output = Result<A, SqsError>>>(
    request: Result<Q, SqsError>,
    operation: impl FnOnce(Q) -> W,
) -> Result<Response<Bytes>, SqsError> {
    let body = operation(request?).await?;
    let body = serde_json::to_vec(&body).map_err(|err| SqsError::InvalidParameter(err.to_string()))?;
    Ok(super::response(body))
}

impl Service {
    async fn create_queue(&self, request: CreateQueue) -> Result<QueueUrl, SqsError> {
        let name = request.queue_name;
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if name.is_empty() || name.len() > 80 || !is_plain {
            return Err(SqsError::InvalidParameter(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length".to_owned(),
            ));
        }
        if !self.queues.create_queue(name.clone(), attributes::parse(&request.attributes)?).await? {
            return Err(SqsError::QueueExists);
        }
        Ok(self.url_of(&name))
    }

    async fn queue_url(&self, request: GetQueueUrl) -> Result<QueueUrl, SqsError> {
        self.queues.settings(&request.queue_name).await?;
        Ok(self.url_of(&request.queue_name))
    }

    fn url_of(&self, name: &str) -> QueueUrl {
        QueueUrl { queue_url: super::url(&self.url, name) }
    }

    async fn queue_attributes(&self, request: GetQueueAttributes) -> Result<serde_json::Value, SqsError> {
        let queue = name(&request.queue_url);
        let settings = self.queues.settings(queue).await?;
        let all = attributes::all(queue, &settings, &self.queues.counts(queue).await?);
        let requested = attributes::select(all, &request.attribute_names);
        Ok(serde_json::json!({ "Attributes": requested }))
    }

    async fn send(&self, request: SendMessage) -> Result<SendResult, SqsError> {
        let message = check_message(request.message)?;
        let md5 = md5(&message.0);
        let mut ids = self.queues.send(name(&request.queue_url), vec![message]).await?;
        Ok(SendResult { message_id: ids.remove(0), md5_of_message_body: md5 })
    }

    async fn send_batch(&self, request: Batch<MessageInput>) -> Result<BatchResult<SendResult>, SqsError> {
        let entries = check_entries(request.entries)?;
        if entries.iter().map(|entry| entry.input.message_body.len()).sum::<usize>() > MAX_BYTES {
            return Err(SqsError::BatchTooLong);
        }
        let (mut accepted, mut messages, mut failed) = (vec![], vec![], vec![]);
        for Entry { id, input } in entries {
            match check_message(input) {
                Ok(message) => {
                    accepted.push((id, md5(&message.0)));
                    messages.push(message);
                }
                Err(err) => failed.push(failure(id, &err)),
            }
        }
        let ids = self.queues.send(name(&request.queue_url), messages).await?;
        let sent = accepted.into_iter().zip(ids).map(|((id, md5_of_message_body), message_id)| BatchSuccess {
            id,
            output: SendResult { message_id, md5_of_message_body },
        });
        Ok(BatchResult { successful: sent.collect(), failed })
    }

    async fn receive(&self, request: ReceiveMessage) -> Result<serde_json::Value, SqsError> {
        let max = check_range("MaxNumberOfMessages", request.max_number_of_messages, 1, 10)?.unwrap_or(1);
        let timeout = check_range("VisibilityTimeout", request.visibility_timeout, 0, MAX_VISIBILITY_TIMEOUT)?;
        let wait = check_range("WaitTimeSeconds", request.wait_time_seconds, 0, MAX_WAIT)?;
        let found = self.queues.receive(name(&request.queue_url), max, timeout, wait).await?;
        let requested = [request.attribute_names, request.message_system_attribute_names].concat();
        let messages = found.into_iter().map(|message| received(message, &requested)).collect::<Vec<_>>();
        Ok(serde_json::json!({ "Messages": messages }))
    }

    async fn delete(&self, request: Single<DeleteInput>) -> Result<Empty, SqsError> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let receipt = Receipt::parse(&request.input.receipt_handle).ok_or(SqsError::InvalidReceipt)?;
        self.queues.delete(queue, vec![receipt]).await?;
        Ok(Empty {})
    }

    async fn delete_batch(&self, request: Batch<DeleteInput>) -> Result<BatchResult<Empty>, SqsError> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let (mut successful, mut receipts, mut failed) = (vec![], vec![], vec![]);
        for Entry { id, input } in check_entries(request.entries)? {
            match Receipt::parse(&input.receipt_handle) {
                Some(receipt) => {
                    successful.push(BatchSuccess { id, output: Empty {} });
                    receipts.push(receipt);
                }
                None => failed.push(failure(id, &SqsError::InvalidReceipt)),
            }
        }
        self.queues.delete(queue, receipts).await?;
        Ok(BatchResult { successful, failed })
    }

    async fn change_visibility(&self, request: Single<VisibilityInput>) -> Result<Empty, SqsError> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let changed = self.queues.change_visibility(queue, vec![visibility_change(&request.input)?]).await?;
        changed.into_iter().try_for_each(|change| check_change(change, &request.input)).map(|()| Empty {})
    }

    async fn change_visibility_batch(&self, request: Batch<VisibilityInput>) -> Result<BatchResult<Empty>, SqsError> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let mut result = BatchResult { successful: vec![], failed: vec![] };
        let (mut accepted, mut changes) = (vec![], vec![]);
        for Entry { id, input } in check_entries(request.entries)? {
            match visibility_change(&input) {
                Ok(change) => {
                    accepted.push((id, input));
                    changes.push(change);
                }
                Err(err) => result.failed.push(failure(id, &err)),
            }
        }
        let changed = self.queues.change_visibility(queue, changes).await?;
        for ((id, input), change) in accepted.into_iter().zip(changed) {
            match check_change(change, &input) {
                Ok(()) => result.successful.push(BatchSuccess { id, output: Empty {} }),
                Err(err) => result.failed.push(failure(id, &err)),
            }
        }
        Ok(result)
    }
}

fn visibility_change(input: &VisibilityInput) -> Result<(Receipt, i64), SqsError> {
    let receipt = Receipt::parse(&input.receipt_handle).ok_or(SqsError::InvalidReceipt)?;
    let timeout = check_range("VisibilityTimeout", Some(input.visibility_timeout), 0, MAX_VISIBILITY_TIMEOUT)?;
    Ok((receipt, timeout.unwrap_or(0)))
}

fn check_change(change: VisibilityChange, input: &VisibilityInput) -> Result<(), SqsError> {
    match change {
        VisibilityChange::Changed => Ok(()),
        VisibilityChange::NotInFlight => Err(SqsError::InvalidParameter(format!(
            "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
             visibility timeout change.",
            input.receipt_handle
        ))),
        VisibilityChange::BeyondLimit => Err(SqsError::InvalidParameter(format!(
            "Value {} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is \
             beyond the limit [{MAX_VISIBILITY_TIMEOUT} seconds].",
            input.visibility_timeout
        ))),
    }
}

/// The queue's name, which is the last segment of its URL.
fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn md5(body: &str) -> String {
    hex::encode(&Md5::digest(body.as_bytes()))
}

/// A valid message's body, and its delay in seconds.
fn check_message(message: MessageInput) -> Result<(String, Option<i64>), SqsError> {
    let MessageInput { message_body: body, delay_seconds, message_attributes } = message;
    if !message_attributes.is_empty() {
        return Err(SqsError::Unsupported("message attributes".to_owned()));
    }
    if body.is_empty() || body.len() > MAX_BYTES {
        let reason = if body.is_empty() { "at least 1" } else { "shorter than 1048576" };
        return Err(SqsError::InvalidParameter(format!(
            "One or more parameters are invalid. Reason: Message must be {reason} bytes."
        )));
    }
    let is_allowed = |it: char| matches!(it, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    if !body.chars().all(is_allowed) {
        return Err(SqsError::InvalidContents);
    }
    Ok((body, check_range("DelaySeconds", delay_seconds, 0, MAX_DELAY)?))
}

fn check_range(name: &str, value: Option<i64>, min: i64, max: i64) -> Result<Option<i64>, SqsError> {
    match value {
        Some(value) if !(min..=max).contains(&value) => Err(SqsError::InvalidParameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {min} and {max}, if provided."
        ))),
        other => Ok(other),
    }
}

/// The entries of a batch of an allowed size with distinct ids.
fn check_entries<T>(entries: Vec<Entry<T>>) -> Result<Vec<Entry<T>>, SqsError> {
    if entries.is_empty() {
        return Err(SqsError::EmptyBatch);
    }
    if entries.len() > MAX_ENTRIES {
        return Err(SqsError::TooManyEntries);
    }
    let ids = entries.iter().map(|entry| entry.id.as_str()).collect::<HashSet<_>>();
    if ids.len() < entries.len() {
        return Err(SqsError::IdsNotDistinct);
    }
    Ok(entries)
}

fn failure(id: String, err: &SqsError) -> BatchFailure {
    let ((code, _), message) = (err.name_and_code(), err.to_string());
    BatchFailure { id, code, sender_fault: true, message }
}

fn received(message: Message, requested: &[String]) -> ReceivedMessage {
    let attributes = [
        ("SentTimestamp", message.sent_at.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.to_string()),
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("SenderId", attributes::ACCOUNT.to_owned()),
    ];
    ReceivedMessage {
        message_id: message.id,
        receipt_handle: message.receipt.handle(),
        md5_of_body: md5(&message.body),
        body: message.body,
        attributes: attributes::select(attributes.map(|(name, value)| (name.to_owned(), value)).into(), requested),
    }
}
