//! A queue's attributes, as SQS names them.

use serde::Deserialize;
use serde_json::json;

use super::error::Refusal;
use super::shapes::Attributes;
use super::store::{Counts, Settings};

/// The account that all queues of this machine belong to.
pub const ACCOUNT: &str = "000000000000";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Count,
}

/// SQS takes it both as a number and as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(i64),
    Text(String),
}

impl Count {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

pub fn parse(given: &Attributes) -> Result<Settings, Refusal> {
    let mut settings = Settings::default();
    for (name, value) in given {
        match name.as_str() {
            "VisibilityTimeout" => settings.visibility_timeout = number(name, value)?,
            "DelaySeconds" => settings.delay = number(name, value)?,
            "ReceiveMessageWaitTimeSeconds" => settings.wait = number(name, value)?,
            "MessageRetentionPeriod" => settings.retention = Some(number(name, value)?),
            "RedrivePolicy" => settings.redrive = Some(redrive(value).ok_or_else(|| invalid(name, value))?),
            other => return Err(Refusal::BadAttribute(other.to_owned())),
        }
    }
    Ok(settings)
}

fn number(name: &str, value: &str) -> Result<i64, Refusal> {
    value.parse().ok().filter(|number| *number >= 0).ok_or_else(|| invalid(name, value))
}

fn redrive(policy: &str) -> Option<(String, i64)> {
    let policy: RedrivePolicy = serde_json::from_str(policy).ok()?;
    let queue = policy.dead_letter_target_arn.rsplit(':').next()?.to_owned();
    Some((queue, policy.max_receive_count.number().filter(|count| *count > 0)?))
}

fn invalid(name: &str, value: &str) -> Refusal {
    Refusal::BadParameter(format!("Invalid value {value} for the parameter {name}."))
}

/// All attributes of a queue.
pub fn of(queue: &str, settings: &Settings, counts: &Counts) -> Attributes {
    let mut all = Attributes::from([
        ("QueueArn".to_owned(), arn(queue)),
        ("VisibilityTimeout".to_owned(), settings.visibility_timeout.to_string()),
        ("DelaySeconds".to_owned(), settings.delay.to_string()),
        ("ReceiveMessageWaitTimeSeconds".to_owned(), settings.wait.to_string()),
        ("MaximumMessageSize".to_owned(), super::MAX_BYTES.to_string()),
        ("ApproximateNumberOfMessages".to_owned(), counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible".to_owned(), counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed".to_owned(), counts.delayed.to_string()),
    ]);
    if let Some(retention) = settings.retention {
        all.insert("MessageRetentionPeriod".to_owned(), retention.to_string());
    }
    if let Some((queue, receives)) = &settings.redrive {
        let policy = json!({ "deadLetterTargetArn": arn(queue), "maxReceiveCount": receives });
        all.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    all
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}")
}

/// Those that were asked for; `All` is every one.
pub fn only(mut all: Attributes, wanted: &[String]) -> Attributes {
    if !wanted.iter().any(|name| name == "All") {
        all.retain(|name, _| wanted.contains(name));
    }
    all
}
