//! The log of API calls: what each of a user's calls was, for seven days.
//!
//! Entries are written in background tasks, and may be lost when a process is killed. They gather in the process: one
//! write carries those that came while the last one ran ([`Store::gathering`]).

use std::collections::VecDeque;
use std::slice;
use std::time::Duration;

use dynamo::value::{from_item, to_item};
use dynamo::{Item, Key, Put, Transaction};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{LogId, UserId};
use crate::models::request_log::{ListLogs, LogEntry, LogPage};
use crate::storage::gathered::Gathered;
use crate::storage::keys;
use crate::storage::{Store, join_authorized};
use crate::telemetry::cost;

const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

/// Entries of one write at most: of the largest they have half of the 4 MB of a transaction.
const MAX_WRITE: usize = 25;
/// Entries that wait to be written at most; later ones are lost.
const MAX_PENDING: usize = 2_000;

#[derive(Serialize, Deserialize)]
pub(super) struct LogItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    entry: LogEntry,
}

/// Entries that are not written yet.
pub(super) type PendingEntries = Gathered<VecDeque<LogItem>>;

/// The log of API calls.
#[derive(Clone, Copy)]
pub struct RequestLog<'a> {
    pub(super) store: &'a Store,
}

impl RequestLog<'_> {
    /// Keeps one entry of a user's log. Where entries gather, a background task writes them, which goes on while others
    /// come; otherwise this may write entries of other calls.
    pub async fn record(self, user: UserId, entry: LogEntry) {
        let Key { pk, sk } = keys::log(user, entry.id);
        let ttl = entry.created_at.plus(RETENTION).epoch_seconds();
        let must_write = self.store.pending_entries.add(|entries| match entries.len() {
            MAX_PENDING.. => tracing::warn!("a call was not logged: too many wait to be"),
            _ => entries.push_back(LogItem { pk, sk, ttl, entry }),
        });
        if !must_write {
            return;
        }
        if self.store.gathering.is_zero() {
            return self.write_pending().await;
        }
        let store = self.store.clone();
        cost::spawn_background(async move {
            loop {
                store.gather().await;
                if !store.request_log().write_next().await {
                    return;
                }
            }
        });
    }

    /// Writes all entries that wait to be written.
    pub(super) async fn write_pending(self) {
        while self.write_next().await {}
    }

    /// Gives whether there was anything to write.
    async fn write_next(self) -> bool {
        let next = self.store.pending_entries.next(|entries| {
            let count = entries.len().min(MAX_WRITE);
            (count > 0).then(|| entries.drain(..count).collect())
        });
        let Some(entries) = next else { return false };
        if let Err(err) = self.write(entries).await {
            tracing::warn!(code = err.code(), "calls were not logged");
        }
        true
    }

    async fn write(self, entries: Vec<LogItem>) -> Result<(), Error> {
        let mut items = entries.iter().map(to_item).collect::<Result<Vec<Item>, _>>()?;
        if items.len() == 1 {
            return Ok(self.store.table.put_new(items.remove(0)).await?);
        }
        let mut transaction = Transaction::new();
        items.into_iter().for_each(|item| transaction.add(Put::new(item)));
        let _ = transaction.commit(&self.store.table).await?;
        Ok(())
    }

    /// A page of the caller's log, newest first, read while the caller is authenticated. The cursor is the last
    /// entry's id: calls that begin later are newer.
    pub async fn list(self, human: &HumanCaller, request: &ListLogs) -> Result<LogPage, Error> {
        let caller = Caller::from(human);
        let page = self.read_page(caller.claimed(), request);
        join_authorized(self.store.authenticate(caller, &[]), page).await.map(|(_, page)| page)
    }

    /// One entry of the caller's log that is not over yet.
    pub async fn get(self, human: &HumanCaller, id: LogId) -> Result<LogEntry, Error> {
        let caller = Caller::from(human);
        let key = keys::log(caller.claimed(), id);
        let (_, mut items) = self.store.authenticate(caller, slice::from_ref(&key)).await?;
        let now = self.store.clock.now().epoch_seconds();
        let item = items.take::<LogItem>(&key)?.filter(|item| item.ttl > now);
        Ok(item.ok_or(Error::NotFound("log entry"))?.entry)
    }

    async fn read_page(self, user: UserId, request: &ListLogs) -> Result<LogPage, Error> {
        // DynamoDB removes what is over in its own time; what is shown ends with the seventh day.
        let now = self.store.clock.now();
        let since = Timestamp::from_millis(now.millis() - i64::try_from(RETENTION.as_millis()).unwrap_or(i64::MAX));
        let (first, last) = (keys::logs_since(since), keys::logs_before(request.before));
        if first > last {
            return Ok(LogPage { data: vec![], next_cursor: None });
        }
        // One more than requested shows whether there is a next page.
        let query = self
            .store
            .table
            .query(keys::log_partition(user))
            .between(first, last)
            .descending()
            .limit(request.limit + 1);
        let page = query.page(None).await?;
        let more = page.items.len() > request.limit || page.next.is_some();
        let entry = |item| from_item::<LogItem>(item).map(|item| item.entry);
        let data: Vec<LogEntry> = page.items.into_iter().take(request.limit).map(entry).collect::<Result<_, _>>()?;
        let next_cursor = data.last().filter(|_| more).map(|entry| entry.id);
        Ok(LogPage { data, next_cursor })
    }
}
