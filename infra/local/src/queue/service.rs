//! SQS's JSON protocol: the operation in `X-Amz-Target`, its members in the body.

use std::collections::HashSet;

use bytes::Bytes;
use http::Response;
use md5::{Digest, Md5};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::secrets::hex;

use super::error::Refusal;
use super::shapes::*;
use super::store::{Message, Queues, Receipt};
use super::{MAX_BYTES, attributes};

const MAX_VISIBILITY: i64 = 43_200;
const MAX_DELAY: i64 = 900;
const MAX_WAIT: i64 = 20;
const MAX_ENTRIES: usize = 10;

/// The queues, as their protocol's requests reach them.
#[derive(Clone)]
pub struct Service {
    queues: Queues,
    url: String,
}

impl Service {
    /// The queues, with URLs that begin with `url`.
    pub fn new(queues: Queues, url: &str) -> Self {
        Self { queues, url: url.to_owned() }
    }

    /// Answers one request.
    pub async fn answer(&self, target: &str, body: &[u8]) -> Response<Bytes> {
        let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
        let answer = match operation {
            "CreateQueue" => answer(read(body), |it| self.create(it)).await,
            "GetQueueUrl" => answer(read(body), |it| self.queue_url(it)).await,
            "GetQueueAttributes" => answer(read(body), |it| self.attributes(it)).await,
            "SendMessage" => answer(read(body), |it| self.send(it)).await,
            "SendMessageBatch" => answer(read(body), |it| self.send_batch(it)).await,
            "ReceiveMessage" => answer(read(body), |it| self.receive(it)).await,
            "DeleteMessage" => answer(read(body), |it| self.delete(it)).await,
            "DeleteMessageBatch" => answer(read(body), |it| self.delete_batch(it)).await,
            "ChangeMessageVisibility" => answer(read(body), |it| self.hide(it)).await,
            "ChangeMessageVisibilityBatch" => answer(read(body), |it| self.hide_batch(it)).await,
            other => Err(Refusal::Unsupported(format!("the operation {other}"))),
        };
        answer.unwrap_or_else(Refusal::into_response)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|err| Refusal::BadParameter(err.to_string()))
}

async fn answer<Q, A: Serialize, W: Future<Output = Result<A, Refusal>>>(
    request: Result<Q, Refusal>,
    operation: impl FnOnce(Q) -> W,
) -> Result<Response<Bytes>, Refusal> {
    let body = operation(request?).await?;
    let body = serde_json::to_vec(&body).map_err(|err| Refusal::BadParameter(err.to_string()))?;
    Ok(super::response(body))
}

impl Service {
    async fn create(&self, request: CreateQueue) -> Result<QueueUrl, Refusal> {
        let name = request.queue_name;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if name.is_empty() || name.len() > 80 || !plain {
            return Err(Refusal::BadParameter(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length".to_owned(),
            ));
        }
        if !self.queues.create(name.clone(), attributes::parse(&request.attributes)?).await? {
            return Err(Refusal::QueueExists);
        }
        Ok(self.url_of(&name))
    }

    async fn queue_url(&self, request: GetQueueUrl) -> Result<QueueUrl, Refusal> {
        self.queues.settings(&request.queue_name).await?;
        Ok(self.url_of(&request.queue_name))
    }

    fn url_of(&self, name: &str) -> QueueUrl {
        QueueUrl { queue_url: super::url(&self.url, name) }
    }

    async fn attributes(&self, request: GetQueueAttributes) -> Result<serde_json::Value, Refusal> {
        let queue = name(&request.queue_url);
        let settings = self.queues.settings(queue).await?;
        let all = attributes::of(queue, &settings, &self.queues.counts(queue).await?);
        let wanted = attributes::only(all, &request.attribute_names);
        Ok(serde_json::json!({ "Attributes": wanted }))
    }

    async fn send(&self, request: SendMessage) -> Result<Sent, Refusal> {
        let checked = check(request.outgoing)?;
        let md5 = md5(&checked.0);
        let mut ids = self.queues.send(name(&request.queue_url), vec![checked]).await?;
        Ok(Sent { message_id: ids.remove(0), md5_of_message_body: md5 })
    }

    async fn send_batch(&self, request: Batch<Outgoing>) -> Result<Outcomes<Sent>, Refusal> {
        let entries = distinct(request.entries)?;
        if entries.iter().map(|entry| entry.what.message_body.len()).sum::<usize>() > MAX_BYTES {
            return Err(Refusal::BatchTooLong);
        }
        let (mut accepted, mut messages, mut failed) = (vec![], vec![], vec![]);
        for Entry { id, what } in entries {
            match check(what) {
                Ok(message) => {
                    accepted.push((id, md5(&message.0)));
                    messages.push(message);
                }
                Err(refusal) => failed.push(failure(id, &refusal)),
            }
        }
        let ids = self.queues.send(name(&request.queue_url), messages).await?;
        let sent = accepted.into_iter().zip(ids).map(|((id, md5_of_message_body), message_id)| Success {
            id,
            what: Sent { message_id, md5_of_message_body },
        });
        Ok(Outcomes { successful: sent.collect(), failed })
    }

    async fn receive(&self, request: ReceiveMessage) -> Result<serde_json::Value, Refusal> {
        let max = within("MaxNumberOfMessages", request.max_number_of_messages, 1, 10)?.unwrap_or(1);
        let hidden = within("VisibilityTimeout", request.visibility_timeout, 0, MAX_VISIBILITY)?;
        let wait = within("WaitTimeSeconds", request.wait_time_seconds, 0, MAX_WAIT)?;
        let found = self.queues.receive(name(&request.queue_url), max, hidden, wait).await?;
        let wanted = [request.attribute_names, request.message_system_attribute_names].concat();
        let messages = found.into_iter().map(|message| received(message, &wanted)).collect::<Vec<_>>();
        Ok(serde_json::json!({ "Messages": messages }))
    }

    async fn delete(&self, request: One<Deletion>) -> Result<Done, Refusal> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let receipt = Receipt::parse(&request.what.receipt_handle).ok_or(Refusal::BadReceipt)?;
        self.queues.delete(queue, vec![receipt]).await?;
        Ok(Done {})
    }

    async fn delete_batch(&self, request: Batch<Deletion>) -> Result<Outcomes<Done>, Refusal> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let (mut successful, mut receipts, mut failed) = (vec![], vec![], vec![]);
        for Entry { id, what } in distinct(request.entries)? {
            match Receipt::parse(&what.receipt_handle) {
                Some(receipt) => {
                    successful.push(Success { id, what: Done {} });
                    receipts.push(receipt);
                }
                None => failed.push(failure(id, &Refusal::BadReceipt)),
            }
        }
        self.queues.delete(queue, receipts).await?;
        Ok(Outcomes { successful, failed })
    }

    async fn hide(&self, request: One<Visibility>) -> Result<Done, Refusal> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let done = self.queues.hide_all(queue, vec![to_hide(&request.what)?]).await?;
        if done == [true] { Ok(Done {}) } else { Err(not_hidden(&request.what)) }
    }

    async fn hide_batch(&self, request: Batch<Visibility>) -> Result<Outcomes<Done>, Refusal> {
        let queue = name(&request.queue_url);
        self.queues.settings(queue).await?;
        let mut outcomes = Outcomes { successful: vec![], failed: vec![] };
        let (mut wanted, mut hidden) = (vec![], vec![]);
        for Entry { id, what } in distinct(request.entries)? {
            match to_hide(&what) {
                Ok(one) => {
                    wanted.push((id, what));
                    hidden.push(one);
                }
                Err(refusal) => outcomes.failed.push(failure(id, &refusal)),
            }
        }
        let done = self.queues.hide_all(queue, hidden).await?;
        for ((id, what), is_done) in wanted.into_iter().zip(done) {
            match is_done {
                true => outcomes.successful.push(Success { id, what: Done {} }),
                false => outcomes.failed.push(failure(id, &not_hidden(&what))),
            }
        }
        Ok(outcomes)
    }
}

fn to_hide(what: &Visibility) -> Result<(Receipt, i64), Refusal> {
    let receipt = Receipt::parse(&what.receipt_handle).ok_or(Refusal::BadReceipt)?;
    let hidden = within("VisibilityTimeout", Some(what.visibility_timeout), 0, MAX_VISIBILITY)?;
    Ok((receipt, hidden.unwrap_or(0)))
}

fn not_hidden(what: &Visibility) -> Refusal {
    Refusal::BadParameter(format!(
        "Value {} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
         visibility timeout change.",
        what.receipt_handle
    ))
}

/// A queue's name is the end of its URL; the rest is where the queues were at some start.
fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn md5(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// A message that can be stored, and its delay.
fn check(message: Outgoing) -> Result<(String, Option<i64>), Refusal> {
    // Groups make no difference here: what they are for, the function that is brought a message does.
    let Outgoing { message_body: body, delay_seconds, message_attributes } = message;
    if !message_attributes.is_empty() {
        return Err(Refusal::Unsupported("message attributes".to_owned()));
    }
    if body.is_empty() || body.len() > MAX_BYTES {
        let reason = if body.is_empty() { "at least 1" } else { "shorter than 1048576" };
        return Err(Refusal::BadParameter(format!(
            "One or more parameters are invalid. Reason: Message must be {reason} bytes."
        )));
    }
    let allowed = |it: char| matches!(it, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    if !body.chars().all(allowed) {
        return Err(Refusal::BadContents);
    }
    Ok((body, within("DelaySeconds", delay_seconds, 0, MAX_DELAY)?))
}

fn within(name: &str, value: Option<i64>, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(Refusal::BadParameter(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
        ))),
        other => Ok(other),
    }
}

fn distinct<T>(entries: Vec<Entry<T>>) -> Result<Vec<Entry<T>>, Refusal> {
    if entries.is_empty() {
        return Err(Refusal::EmptyBatch);
    }
    if entries.len() > MAX_ENTRIES {
        return Err(Refusal::LargeBatch);
    }
    let ids = entries.iter().map(|entry| entry.id.as_str()).collect::<HashSet<_>>();
    if ids.len() < entries.len() {
        return Err(Refusal::IdsNotDistinct);
    }
    Ok(entries)
}

fn failure(id: String, refusal: &Refusal) -> Failure {
    let (shape, _, message) = refusal.told();
    Failure { id, code: shape, sender_fault: true, message }
}

fn received(message: Message, wanted: &[String]) -> Received {
    let attributes = [
        ("SentTimestamp", message.sent_at.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.to_string()),
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("SenderId", attributes::ACCOUNT.to_owned()),
    ];
    Received {
        message_id: message.id,
        receipt_handle: message.receipt.handle(),
        md5_of_body: md5(&message.body),
        body: message.body,
        attributes: attributes::only(attributes.map(|(name, value)| (name.to_owned(), value)).into(), wanted),
    }
}
