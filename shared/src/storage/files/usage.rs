//! How many bytes a user stores, and whether more may be stored.

use std::time::Duration;

use dynamo::value::{n, s};
use dynamo::{Update, attr, item_exists};
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::storage::files::Files;
use crate::storage::keys::{self, FILES};
use crate::telemetry::cost;

/// A count above the quota is checked against the files themselves, at most this often.
const RECOUNT_AFTER: Duration = Duration::from_secs(3600);

/// What of the item `CHANGES` counts bytes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageItem {
    /// Below zero if older files were deleted before all were counted.
    stored_bytes: Option<i64>,
    bytes_counted_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct FileSize {
    size: u64,
}

impl Files<'_> {
    /// Refuses files that would exceed the quota of their user, before anything of them is stored.
    pub(super) fn check_quota(self, user: UserId, bytes: u64) -> Result<(), Error> {
        let decision = self.store.limits.quotas.decide(user, bytes);
        if decision.is_count_due {
            let store = self.store.clone();
            cost::spawn_background(async move {
                if let Err(err) = store.files().learn_usage(user).await {
                    tracing::debug!(code = err.code(), "the bytes of a user could not be read");
                }
            });
        }
        decision.is_accepted
    }

    /// Reads how many bytes a user stores. Files are counted if they never were, or if the count seems too high.
    async fn learn_usage(self, user: UserId) -> Result<(), Error> {
        let quotas = &self.store.limits.quotas;
        let key = keys::changes(user);
        let Some(item) = self.store.table.get::<UsageItem>(&key).await? else { return Ok(()) };
        let stored = u64::try_from(item.stored_bytes.unwrap_or_default()).unwrap_or_default();
        let is_old = |at: Timestamp| at.plus(RECOUNT_AFTER) <= self.store.clock.now();
        let is_doubtful = item.bytes_counted_at.is_none_or(|at| quotas.is_over(stored) && is_old(at));
        let bytes = if is_doubtful { self.count_bytes(user, item.bytes_counted_at).await? } else { stored };
        quotas.learn(user, bytes);
        Ok(())
    }

    /// Counts the bytes of a user's files and stores the sum, unless another count was stored since `before`.
    async fn count_bytes(self, user: UserId, before: Option<Timestamp>) -> Result<u64, Error> {
        let files = self.store.query_owned(user, FILES).collect_all::<FileSize>().await?;
        let bytes = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
        let unchanged = match before {
            Some(at) => attr("bytesCountedAt").eq(s(at)),
            None => attr("bytesCountedAt").absent(),
        };
        let update = Update::new(keys::changes(user))
            .set("storedBytes", n(bytes))
            .set("bytesCountedAt", s(self.store.clock.now()))
            .when(item_exists().and(unchanged));
        let _ = update.send_item(&self.store.table).await?;
        Ok(bytes)
    }
}
