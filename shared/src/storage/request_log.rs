//! The log of API calls: what each of a user's calls was, for seven days.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::request_log::{ListLogs, LogEntry, LogPage};
use crate::storage::keys::{self, Key};
use crate::storage::{Store, beside, read, text, trouble, written};

const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Serialize, Deserialize)]
struct LogItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    entry: LogEntry,
}

impl Store {
    /// Keeps one entry of a user's log.
    pub async fn log_call(&self, user: UserId, entry: LogEntry) -> Result<(), Error> {
        let Key { pk, sk } = Key::log(user, entry.id);
        let ttl = entry.created_at.plus(KEPT).epoch_seconds();
        self.put_new(written(&LogItem { pk, sk, ttl, entry })?).await
    }

    /// A page of the caller's log, newest first, read beside the check of the caller. The cursor
    /// is the last entry's id: calls that begin meanwhile are newer.
    pub async fn logs_of(&self, human: &HumanCaller, request: &ListLogs) -> Result<LogPage, Error> {
        let caller = Caller::from(human);
        let page = self.read_logs(caller.claimed(), request);
        beside(self.admit(caller, &[]), page).await.map(|(_, page)| page)
    }

    async fn read_logs(&self, user: UserId, request: &ListLogs) -> Result<LogPage, Error> {
        // DynamoDB removes what is over in its own time; what is shown ends with the seventh day.
        let now = self.clock.now();
        let since = Timestamp::from_millis(now.millis() - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
        let (first, last) = (keys::logs_since(since), keys::logs_before(request.before));
        if first > last {
            return Ok(LogPage { data: vec![], next_cursor: None });
        }
        let query = self
            .query()
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(keys::log_partition(user)))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .scan_index_forward(false)
            .consistent_read(true)
            // One more than asked for tells whether there is a next page.
            .limit(i32::try_from(request.limit + 1).unwrap_or(i32::MAX));
        let page = query.send().await.map_err(trouble)?;
        let items = page.items.unwrap_or_default();
        let more = items.len() > request.limit || page.last_evaluated_key.is_some();
        let entry = |item| read::<LogItem>(item).map(|item| item.entry);
        let data: Vec<LogEntry> = items.into_iter().take(request.limit).map(entry).collect::<Result<_, _>>()?;
        let next_cursor = data.last().filter(|_| more).map(|entry| entry.id);
        Ok(LogPage { data, next_cursor })
    }
}
