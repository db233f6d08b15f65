//! E-mails over SES v2. One operation is called: the service's SDK, with a hundred of them, would take longer to compile
//! than the function.

use std::pin::Pin;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::aws::signed_request::{self, Unsigned};
use crate::aws::{AwsSettings, Connection};
use crate::mail::{Mail, MailAnswer, MailTransport};

const SERVICE: &str = "ses";
const PATH: &str = "v2/email/outbound-emails";
const JSON: (&str, &str) = ("content-type", "application/json");
/// The time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The tag by which an event of SES names the person whose e-mail it is about.
pub const PERSON_TAG: &str = "person";

/// SES in the region of the deployment.
pub struct Ses {
    connection: Connection,
    region: String,
    url: String,
    /// The configuration set that reports bounces and complaints.
    configuration_set: Option<String>,
}

impl Ses {
    /// SES over the connection of a function.
    pub fn new(aws: &AwsSettings, connection: Connection, configuration_set: Option<String>) -> Self {
        Self { connection, region: aws.region.clone(), url: endpoint(aws), configuration_set }
    }

    /// SES at another address, with these credentials.
    pub fn at(url: &str, region: &str, [access_key, secret_key]: [&str; 2], configuration_set: Option<String>) -> Self {
        let connection = Connection::with_keys(region, access_key, secret_key);
        let url = format!("{}/{PATH}", url.trim_end_matches('/'));
        Self { connection, region: region.to_owned(), url, configuration_set }
    }

    fn body(&self, mail: &Mail) -> Value {
        let mut body = json!({
            "FromEmailAddress": mail.from,
            "Destination": { "ToAddresses": [mail.to] },
            "Content": { "Raw": { "Data": STANDARD.encode(&mail.raw) } },
            "EmailTags": [{ "Name": PERSON_TAG, "Value": mail.person }],
        });
        if let Some(name) = &self.configuration_set {
            body["ConfigurationSetName"] = json!(name);
        }
        body
    }

    async fn attempt(&self, mail: &Mail) -> Result<MailAnswer, BoxError> {
        let headers = [(HOST.as_str(), signed_request::host(&self.url)), JSON];
        let request = Unsigned {
            service: SERVICE,
            region: &self.region,
            method: Method::POST,
            url: &self.url,
            headers: &headers,
            body: self.body(mail).to_string(),
        };
        let (status, body) = signed_request::send(&self.connection, request).await?;
        let sentence = || format!("{status}: {}", String::from_utf8_lossy(&body));
        Ok(match status {
            StatusCode::OK => MailAnswer::Accepted,
            StatusCode::TOO_MANY_REQUESTS => MailAnswer::Busy(sentence()),
            status if status.is_server_error() => MailAnswer::Busy(sentence()),
            _ => MailAnswer::Refused(sentence()),
        })
    }
}

impl MailTransport for Ses {
    fn send<'a>(&'a self, mail: &'a Mail) -> Pin<Box<dyn Future<Output = MailAnswer> + Send + 'a>> {
        Box::pin(async {
            let attempt = tokio::time::timeout(TIMEOUT, self.attempt(mail)).await;
            attempt.map_err(BoxError::from).flatten().unwrap_or_else(|err| MailAnswer::Busy(err.to_string()))
        })
    }
}

fn endpoint(aws: &AwsSettings) -> String {
    let url = aws.ses.clone().unwrap_or_else(|| signed_request::endpoint("email", &aws.region));
    format!("{}/{PATH}", url.trim_end_matches('/'))
}
