//! Finds the event sources: on the embedded engines or on an emulator.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodbstreams::config::BehaviorVersion;
use shared::aws::{Clients, Endpoints};
use shared::error::Error;

use super::checkpoints::Checkpoints;
use super::queue::QueueSource;
use super::stream::{DeadLetterQueue, RetryPolicy, StreamSource};
use super::write_notifier::WriteNotifier;
use crate::sqs::sqlite::QueueDb;

/// The queues' URLs.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    pub deliveries: String,
    /// The dead-letter queue of deliveries.
    pub failed_deliveries: String,
    pub notifications: String,
    /// The dead-letter queue of notifications.
    pub failed_notifications: String,
    /// The dead-letter queue of stream records.
    pub failed_events: String,
}

/// The table's stream, and the queues of deliveries and of notifications.
pub struct EventSources {
    pub stream: StreamSource,
    pub deliveries: QueueSource,
    pub notifications: QueueSource,
}

impl EventSources {
    /// Looks up the table's stream. `queue_db` stores the checkpoints; `notifier` wakes the readers.
    pub async fn connect(
        endpoints: &Endpoints,
        clients: &Clients,
        table: &str,
        queues: QueueUrls,
        queue_db: QueueDb,
        notifier: WriteNotifier,
    ) -> Result<Self, Error> {
        let described = clients.dynamodb.describe_table().table_name(table).send().await.map_err(Error::unavailable)?;
        let arn = described.table.and_then(|table| table.latest_stream_arn);
        let arn = arn.ok_or_else(|| Error::internal("the table has no stream"))?;
        let stream = StreamSource {
            client: streams_client(endpoints, clients),
            checkpoints: Checkpoints::new(queue_db, &arn),
            arn,
            dead_letter_queue: DeadLetterQueue { client: (*clients.sqs).clone(), url: queues.failed_events },
            retry_policy: RetryPolicy::default(),
            notifier,
        };
        let source = |url: &str| QueueSource::new(&clients.sqs, url);
        Ok(Self { stream, deliveries: source(&queues.deliveries), notifications: source(&queues.notifications) })
    }
}

/// A client of the table's stream with the configuration of the table's client.
fn streams_client(endpoints: &Endpoints, clients: &Clients) -> aws_sdk_dynamodbstreams::Client {
    let template = clients.dynamodb.config();
    let mut config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&endpoints.dynamodb)
        .region(template.region().cloned());
    match endpoints.in_process {
        Some(_) => config.set_allow_no_auth(),
        None => config.set_credentials_provider(Some(credentials(endpoints))),
    };
    config.set_http_client(template.http_client());
    config.set_timeout_config(template.timeout_config().cloned());
    config.set_retry_config(template.retry_config().cloned());
    aws_sdk_dynamodbstreams::Client::from_conf(config.build())
}

fn credentials(endpoints: &Endpoints) -> SharedCredentialsProvider {
    let Endpoints { access_key, secret_key, .. } = endpoints;
    SharedCredentialsProvider::new(Credentials::new(access_key, secret_key, None, None, "fixed"))
}
