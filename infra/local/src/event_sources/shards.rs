//! The shards of a stream, and the iterators that read them.

use std::collections::HashSet;

use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsOutput;
use aws_sdk_dynamodbstreams::types::{Shard, ShardIteratorType};

use super::stream::{BATCH_SIZE, StreamError, StreamSource};

impl StreamSource {
    /// The unfinished shards that are not being read and whose parents are finished.
    pub(super) async fn ready_shards(&self, reading: &HashSet<String>) -> Result<Vec<String>, StreamError> {
        let shards = self.list_shards().await?;
        let checkpoints = self.checkpoints.list().await?;
        let is_finished = |id: &str| checkpoints.get(id).is_some_and(|checkpoint| checkpoint.is_finished);
        let open: HashSet<_> = shards.iter().filter_map(Shard::shard_id).filter(|id| !is_finished(id)).collect();
        let ready = shards.iter().filter(|shard| !shard.parent_shard_id().is_some_and(|id| open.contains(id)));
        let ids = ready.filter_map(Shard::shard_id).filter(|id| open.contains(id) && !reading.contains(*id));
        Ok(ids.map(str::to_owned).collect())
    }

    async fn list_shards(&self) -> Result<Vec<Shard>, StreamError> {
        let (mut shards, mut after) = (vec![], None);
        loop {
            let page = self.client.describe_stream().stream_arn(&self.arn).set_exclusive_start_shard_id(after);
            let page = page.send().await.map_err(StreamError::new)?.stream_description;
            let Some(page) = page else { return Ok(shards) };
            shards.extend(page.shards.unwrap_or_default());
            after = page.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    /// An iterator that starts after the checkpoint.
    pub(super) async fn shard_iterator(&self, shard: &str) -> Result<String, StreamError> {
        let checkpoint = self.checkpoints.list().await?.remove(shard).unwrap_or_default();
        let request =
            |kind| self.client.get_shard_iterator().stream_arn(&self.arn).shard_id(shard).shard_iterator_type(kind);
        let response = match &checkpoint.after {
            Some(number) => request(ShardIteratorType::AfterSequenceNumber).sequence_number(number).send().await,
            None => request(ShardIteratorType::TrimHorizon).send().await,
        };
        let found = match response {
            Err(err) if err.as_service_error().is_some_and(|it| it.is_trimmed_data_access_exception()) => {
                tracing::error!("stream records were lost: the stream was not read for more than 24 hours");
                request(ShardIteratorType::TrimHorizon).send().await
            }
            other => other,
        };
        let missing = || StreamError::Stream("the response has no shard iterator".to_owned());
        found.map_err(StreamError::new)?.shard_iterator.ok_or_else(missing)
    }

    /// The next batch of records.
    pub(super) async fn get_records(&self, iterator: String) -> Result<GetRecordsOutput, StreamError> {
        self.client.get_records().shard_iterator(iterator).limit(BATCH_SIZE).send().await.map_err(StreamError::new)
    }
}
