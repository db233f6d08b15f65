//! The attributes of a queue, under SQS's names.

use serde::Deserialize;
use serde_json::json;

use super::error::SqsError;
use super::settings::{RedrivePolicy, Settings};
use super::store::MessageCounts;
use super::types::Attributes;

/// The account id of all embedded queues.
pub const ACCOUNT: &str = "000000000000";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicyJson {
    dead_letter_target_arn: String,
    max_receive_count: NumberOrText,
}

/// SQS accepts `maxReceiveCount` as a number and as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

impl NumberOrText {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// Parses the attributes of a `CreateQueue` request; absent ones take SQS's defaults.
pub fn parse(given: &Attributes) -> Result<Settings, SqsError> {
    let mut settings = Settings::default();
    for (name, value) in given {
        match name.as_str() {
            "VisibilityTimeout" => settings.visibility_timeout = number(name, value)?,
            "DelaySeconds" => settings.message_delay = number(name, value)?,
            "ReceiveMessageWaitTimeSeconds" => settings.receive_wait = number(name, value)?,
            "MessageRetentionPeriod" => settings.retention = Some(number(name, value)?),
            "RedrivePolicy" => settings.redrive = Some(redrive_policy(value).ok_or_else(|| invalid(name, value))?),
            other => return Err(SqsError::InvalidAttribute(other.to_owned())),
        }
    }
    Ok(settings)
}

fn number(name: &str, value: &str) -> Result<i64, SqsError> {
    value.parse().ok().filter(|number| *number >= 0).ok_or_else(|| invalid(name, value))
}

fn redrive_policy(json: &str) -> Option<RedrivePolicy> {
    let policy: RedrivePolicyJson = serde_json::from_str(json).ok()?;
    let dead_letter_queue = policy.dead_letter_target_arn.rsplit(':').next()?.to_owned();
    let max_receive_count = policy.max_receive_count.number().filter(|count| (1..=1000).contains(count))?;
    Some(RedrivePolicy { dead_letter_queue, max_receive_count })
}

fn invalid(name: &str, value: &str) -> SqsError {
    SqsError::InvalidParameter(format!("Invalid value {value} for the parameter {name}."))
}

/// All attributes of the queue with this name.
pub fn all(queue: &str, settings: &Settings, counts: &MessageCounts) -> Attributes {
    let mut all = Attributes::from([
        ("QueueArn".to_owned(), arn(queue)),
        ("VisibilityTimeout".to_owned(), settings.visibility_timeout.to_string()),
        ("DelaySeconds".to_owned(), settings.message_delay.to_string()),
        ("ReceiveMessageWaitTimeSeconds".to_owned(), settings.receive_wait.to_string()),
        ("MaximumMessageSize".to_owned(), super::MAX_BYTES.to_string()),
        ("ApproximateNumberOfMessages".to_owned(), counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible".to_owned(), counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed".to_owned(), counts.delayed.to_string()),
    ]);
    if let Some(retention) = settings.retention {
        all.insert("MessageRetentionPeriod".to_owned(), retention.to_string());
    }
    if let Some(RedrivePolicy { dead_letter_queue, max_receive_count }) = &settings.redrive {
        let policy = json!({ "deadLetterTargetArn": arn(dead_letter_queue), "maxReceiveCount": max_receive_count });
        all.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    all
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}")
}

/// The requested attributes; the name `All` selects every one.
pub fn select(mut all: Attributes, requested: &[String]) -> Attributes {
    if !requested.iter().any(|name| name == "All") {
        all.retain(|name, _| requested.contains(name));
    }
    all
}
