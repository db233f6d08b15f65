//! What the loops read, by where it is: the embedded engines, or an emulator.

use shared::error::Error;
use shared::storage::{Clients, Endpoints};

use super::positions::Positions;
use super::stream::{DeadLetters, Patience};
use super::writes::Writes;
use super::{queue, stream, streams_client};
use crate::durable::Durable;

/// The queues, by their URLs.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    pub deliveries: String,
    /// For records of the stream that cannot be handled.
    pub failed_events: String,
}

/// The table's stream and the queue of deliveries.
pub struct Sources {
    pub stream: stream::Source,
    pub deliveries: queue::Source,
}

impl Sources {
    pub async fn find(
        endpoints: &Endpoints,
        clients: &Clients,
        table: &str,
        queues: QueueUrls,
        file: Durable,
        writes: Writes,
    ) -> Result<Self, Error> {
        let described = clients.dynamodb.describe_table().table_name(table).send().await.map_err(Error::unavailable)?;
        let arn = described.table.and_then(|table| table.latest_stream_arn);
        let arn = arn.ok_or_else(|| Error::internal("the table has no stream"))?;
        let stream = stream::Source {
            client: streams_client(endpoints, clients),
            positions: Positions::new(file, &arn),
            arn,
            dead_letters: DeadLetters { client: (*clients.sqs).clone(), url: queues.failed_events },
            patience: Patience::default(),
            writes,
        };
        Ok(Self { stream, deliveries: queue::Source::new(&clients.sqs, &queues.deliveries) })
    }
}
