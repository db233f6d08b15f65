//! The log of API calls: what each of a user's calls was, for seven days.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::{Caller, HumanCaller};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::ids::UserId;
use crate::models::request_log::{ListLogs, LogEntry, LogPage};
use crate::storage::gathered::{Gathered, TOGETHER};
use crate::storage::keys::{self, Key};
use crate::storage::writing::Transaction;
use crate::storage::{Item, Store, beside, read, text, trouble, written};

const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Entries that are not written yet.
pub(super) type Unlogged = Gathered<Vec<Item>>;

/// As many wait while the table takes none; what comes then is lost.
const MOST_WAITING: usize = 1000;

#[derive(Serialize, Deserialize)]
struct LogItem {
    pk: String,
    sk: String,
    ttl: i64,
    #[serde(flatten)]
    entry: LogEntry,
}

impl Store {
    /// Keeps one entry of a user's log, or leaves it to whoever is writing some.
    pub async fn log_call(&self, user: UserId, entry: LogEntry) -> Result<(), Error> {
        let Key { pk, sk } = Key::log(user, entry.id);
        let ttl = entry.created_at.plus(KEPT).epoch_seconds();
        let item = written(&LogItem { pk, sk, ttl, entry })?;
        let keep = |waiting: &mut Vec<Item>| {
            if waiting.len() < MOST_WAITING {
                waiting.push(item);
            }
        };
        if !self.unlogged.leave(keep) {
            return Ok(());
        }
        let mut trouble = Ok(());
        while let Some(items) = self.unlogged.next(some_of) {
            // What could not be written is lost; what waits is not.
            trouble = self.log_some(items).await.and(trouble);
        }
        trouble
    }

    async fn log_some(&self, mut items: Vec<Item>) -> Result<(), Error> {
        if let [item] = &mut items[..] {
            return self.put_new(std::mem::take(item)).await;
        }
        let mut transaction = Transaction::default();
        for item in items {
            transaction.create(self, item)?;
        }
        self.commit(transaction).await.map(drop)
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

/// Some of what waits, if anything does.
fn some_of(waiting: &mut Vec<Item>) -> Option<Vec<Item>> {
    (!waiting.is_empty()).then(|| waiting.drain(..waiting.len().min(TOGETHER)).collect())
}
