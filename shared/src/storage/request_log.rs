//! The log of API calls: what each of a user's calls was, for seven days.

use std::slice;
use std::time::Duration;

use dynamo::Key;
use dynamo::value::{from_item, to_item};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::{LogId, UserId};
use crate::models::request_log::{ListLogs, LogEntry, LogPage};
use crate::storage::keys;
use crate::storage::{Store, join_authorized};

const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Serialize, Deserialize)]
struct LogItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    entry: LogEntry,
}

/// The log of API calls.
#[derive(Clone, Copy)]
pub struct RequestLog<'a> {
    pub(super) store: &'a Store,
}

impl RequestLog<'_> {
    /// Keeps one entry of a user's log.
    pub async fn record(self, user: UserId, entry: LogEntry) -> Result<(), Error> {
        let Key { pk, sk } = keys::log(user, entry.id);
        let ttl = entry.created_at.plus(RETENTION).epoch_seconds();
        Ok(self.store.table.put_new(to_item(&LogItem { pk, sk, ttl, entry })?).await?)
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
