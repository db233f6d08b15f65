//! How many bytes a user stores, and whether more may be stored.

use std::ops::AddAssign;
use std::time::Duration;

use dynamo::value::{n, s};
use dynamo::{SK, Update, attr, item_exists};
use futures_util::future;
use serde::Deserialize;
use serde_dynamo::AttributeValue;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::limits::quotas::{Stored, Sums};
use crate::storage::files::Files;
use crate::storage::keys::{self, CLEANUPS, FILES};
use crate::storage::webhooks::{StreamImage, text_of};
use crate::telemetry::cost;

/// A sum above the quota is checked against what is stored at most this often.
const RECOUNT_EXCEEDED: Duration = Duration::from_secs(600);
/// So is every other: a batch of the stream that was processed twice has counted twice.
const RECOUNT: Duration = Duration::from_secs(24 * 3600);

const FILE_BYTES: &str = "storedBytes";
const ARCHIVE_BYTES: &str = "archivedBytes";
const COUNTED_AT: &str = "bytesCountedAt";

/// By how many bytes what a user stores grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredGrowth {
    files: i64,
    archives: i64,
}

impl StoredGrowth {
    /// The growth from one image of an item to the next.
    pub fn of(old: Option<&StreamImage>, new: Option<&StreamImage>) -> Self {
        let size = |prefix, image: Option<&StreamImage>| image.and_then(|image| size_under(prefix, image)).unwrap_or(0);
        let growth = |prefix| size(prefix, new) - size(prefix, old);
        Self { files: growth(FILES), archives: growth(CLEANUPS) }
    }

    /// Adds it to the update of the user's item.
    pub(in crate::storage) fn add_to(self, update: Update) -> Update {
        let grown = [(FILE_BYTES, self.files), (ARCHIVE_BYTES, self.archives)].into_iter().filter(|(_, by)| *by != 0);
        grown.fold(update, |update, (attribute, by)| update.add(attribute, n(by)))
    }
}

impl AddAssign for StoredGrowth {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.archives += more.archives;
    }
}

/// The size of an item whose sort key starts with this.
fn size_under(prefix: &str, image: &StreamImage) -> Option<i64> {
    match image.get("size").filter(|_| text_of(image, SK).is_some_and(|sort| sort.starts_with(prefix)))? {
        AttributeValue::N(size) => size.parse().ok(),
        _ => None,
    }
}

/// What of the item `CHANGES` counts bytes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageItem {
    /// Below zero if older files were deleted before all were counted.
    stored_bytes: Option<i64>,
    archived_bytes: Option<i64>,
    bytes_counted_at: Option<Timestamp>,
}

impl UsageItem {
    fn sums(&self) -> Sums {
        let positive = |sum: Option<i64>| u64::try_from(sum.unwrap_or_default()).unwrap_or_default();
        Sums { files: positive(self.stored_bytes), archives: positive(self.archived_bytes) }
    }
}

/// An item that counts. Cleanup records other than those of archives have no size.
#[derive(Deserialize)]
struct Sized {
    #[serde(default)]
    size: u64,
}

impl Files<'_> {
    /// Refuses bytes that would exceed the quota of their user, before anything of them is stored.
    pub(super) fn check_quota(self, user: UserId, what: Stored, bytes: u64) -> Result<(), Error> {
        let decision = self.store.limits.quotas.decide(user, what, bytes);
        if decision.is_count_due {
            let store = self.store.clone();
            cost::spawn_background(async move {
                if let Err(err) = store.files().learn_usage(user).await {
                    tracing::warn!(code = err.code(), cause = ?err, "what a user stores could not be counted");
                }
            });
        }
        decision.is_accepted
    }

    /// Reads how many bytes a user stores. They are counted one by one if they never were, or from time to time.
    async fn learn_usage(self, user: UserId) -> Result<(), Error> {
        let quotas = &self.store.limits.quotas;
        // Without the item nothing was counted, and all that this process accepted is still to come.
        let Some(item) = self.store.table.get::<UsageItem>(&keys::changes(user)).await? else { return Ok(()) };
        let sums = item.sums();
        let valid_for = if quotas.is_exceeded(sums) { RECOUNT_EXCEEDED } else { RECOUNT };
        let is_doubtful = item.bytes_counted_at.is_none_or(|at| at.plus(valid_for) <= self.store.clock.now());
        quotas.learn(user, if is_doubtful { self.count_bytes(user, &item).await? } else { sums });
        Ok(())
    }

    /// Counts the bytes of a user's files and archives, and stores the sums unless others were stored meanwhile.
    async fn count_bytes(self, user: UserId, before: &UsageItem) -> Result<Sums, Error> {
        let files = self.store.query_owned(user, FILES);
        let archives = self.store.query_partition(keys::user_partition(user), CLEANUPS);
        let (files, archives) = future::try_join(files.collect_all::<Sized>(), archives.collect_all::<Sized>()).await?;
        let sum = |items: Vec<Sized>| items.iter().fold(0, |sum: u64, item| sum.saturating_add(item.size));
        let sums = Sums { files: sum(files), archives: sum(archives) };
        let unchanged = |attribute: &str, sum: Option<i64>| attr(attribute).is_still(sum.map(n));
        let is_same = unchanged(FILE_BYTES, before.stored_bytes).and(unchanged(ARCHIVE_BYTES, before.archived_bytes));
        let update = Update::new(keys::changes(user))
            .set(FILE_BYTES, n(sums.files))
            .set(ARCHIVE_BYTES, n(sums.archives))
            .set(COUNTED_AT, s(self.store.clock.now()))
            .when(item_exists().and(is_same));
        // A refusal means that the sums changed, or that the user is deleted: the next call counts again.
        let _ = update.send_item(&self.store.table).await?;
        Ok(sums)
    }
}
