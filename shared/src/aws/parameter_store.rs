//! Reads a parameter of the Systems Manager. A function reads one, at its start: the service's SDK, with a hundred and
//! fifty operations, would take longer to compile than the rest of the function.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::aws::signed_request::{self, Unsigned};
use crate::aws::{AwsSettings, Connection};

const SERVICE: &str = "ssm";
const TARGET: (&str, &str) = ("x-amz-target", "AmazonSSM.GetParameter");
const JSON: &str = "application/x-amz-json-1.1";
/// The pauses between attempts. Many functions that start at once can exceed the service's rate.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1000)];
/// The time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A parameter that could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("the parameter {0} cannot be read: {1}")]
pub struct UnreadableParameter(String, String);

/// Reads and decrypts a parameter. `name` can end in `:` and a version.
pub async fn read(aws: &AwsSettings, connection: &Connection, name: &str) -> Result<String, UnreadableParameter> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let attempt = tokio::time::timeout(TIMEOUT, attempt(aws, connection, name)).await;
        let failure = match attempt.map_err(BoxError::from).flatten() {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(UnreadableParameter(name.to_owned(), failure.to_string())),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

async fn attempt(aws: &AwsSettings, connection: &Connection, name: &str) -> Result<String, BoxError> {
    let url = endpoint(aws);
    let headers = [(HOST.as_str(), signed_request::host(&url)), (CONTENT_TYPE.as_str(), JSON), TARGET];
    let body = json!({ "Name": name, "WithDecryption": true }).to_string();
    let request =
        Unsigned { service: SERVICE, region: &aws.region, method: Method::POST, url: &url, headers: &headers, body };
    let (status, body) = signed_request::send(connection, request).await?;
    if status != StatusCode::OK {
        // An error of the service: its type and its sentence.
        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(serde_json::from_slice::<Answer>(&body)?.parameter.value)
}

fn endpoint(aws: &AwsSettings) -> String {
    let usual = || signed_request::endpoint(SERVICE, &aws.region);
    let url = aws.ssm.clone().unwrap_or_else(usual);
    format!("{}/", url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(region: &str, ssm: Option<&str>) -> AwsSettings {
        let (region, ssm) = (region.to_owned(), ssm.map(str::to_owned));
        AwsSettings { region, dynamodb: None, s3: None, sqs: None, ssm, ses: None, asks_for_credentials: false }
    }

    #[test]
    fn the_endpoint_is_that_of_the_region_or_the_emulators() {
        assert_eq!(endpoint(&settings("eu-central-1", None)), "https://ssm.eu-central-1.amazonaws.com/");
        assert_eq!(endpoint(&settings("cn-north-1", None)), "https://ssm.cn-north-1.amazonaws.com.cn/");
        assert_eq!(endpoint(&settings("us-east-1", Some("http://127.0.0.1:4566"))), "http://127.0.0.1:4566/");
    }

    #[tokio::test]
    async fn an_unreadable_parameter_is_named_without_its_value() {
        // Nothing listens there, and there are no credentials.
        let aws = settings("us-east-1", Some("http://127.0.0.1:9"));
        let unread = read(&aws, &Connection::new(&aws), "/placet/some/secrets:1").await;
        let message = unread.err().map(|err| err.to_string()).unwrap_or_default();
        assert!(message.starts_with("the parameter /placet/some/secrets:1 cannot be read: "), "{message}");
    }
}
