//! Queues and their messages in SQLite, with SQS's rules of who sees a message when.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use shared::secrets::{hex, random};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::error::Refusal;
use crate::durable::{Durable, now};

/// What a queue was told of itself. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a received message is hidden.
    pub visibility_timeout: i64,
    /// How long a new message is hidden.
    pub delay: i64,
    /// How long a receive that finds nothing waits.
    pub wait: i64,
    /// How long a message is kept; for ever when unset.
    pub retention: Option<i64>,
    /// Where a message goes that was received this often and is still there.
    pub redrive: Option<(String, i64)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { visibility_timeout: 30, delay: 0, wait: 0, retention: None, redrive: None }
    }
}

impl Settings {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (queue, receives): (Option<String>, Option<i64>) =
            (row.get("dead_letter_queue")?, row.get("max_receive_count")?);
        Ok(Self {
            visibility_timeout: row.get("visibility_timeout")?,
            delay: row.get("delay")?,
            wait: row.get("wait")?,
            retention: row.get("retention")?,
            redrive: queue.zip(receives),
        })
    }
}

/// A message as it is received.
pub struct Message {
    pub id: String,
    pub receipt: Receipt,
    pub body: String,
    pub sent_at: i64,
    pub first_received_at: i64,
    pub receives: i64,
}

/// One receive of one message. A later receive of the message makes it worthless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    number: i64,
    nonce: String,
}

impl Receipt {
    pub fn parse(handle: &str) -> Option<Self> {
        let (number, nonce) = handle.split_once('.')?;
        let whole = nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self { number: number.parse().ok()?, nonce: whole.then(|| nonce.to_owned())? })
    }

    pub fn handle(&self) -> String {
        format!("{}.{}", self.number, self.nonce)
    }
}

/// How many messages a queue holds, by who sees them.
pub struct Counts {
    pub visible: i64,
    pub in_flight: i64,
    pub delayed: i64,
}

/// All queues of one file.
#[derive(Clone)]
pub struct Queues {
    file: Durable,
    /// Told when messages may have become visible.
    changed: Arc<Notify>,
}

impl Queues {
    pub fn new(file: Durable) -> Self {
        Self { file, changed: Arc::new(Notify::new()) }
    }

    /// Makes a queue, or gives one that exists these settings.
    pub async fn declare(&self, name: &str, settings: Settings) -> rusqlite::Result<()> {
        let name = name.to_owned();
        self.file.run(move |file| put(file, &name, &settings)).await
    }

    /// Makes a queue; `false` when there is one of this name with other settings.
    pub async fn create(&self, name: String, settings: Settings) -> rusqlite::Result<bool> {
        let work = move |file: &Transaction<'_>| match find(file, &name)? {
            Some(found) => Ok(found == settings),
            None => put(file, &name, &settings).map(|()| true),
        };
        self.file.run(work).await
    }

    pub async fn settings(&self, name: &str) -> Result<Settings, Refusal> {
        let name = name.to_owned();
        self.file.read(move |file| find(file, &name)).await?.ok_or(Refusal::NoSuchQueue)
    }

    /// Stores messages, each with its delay; all of them, or none. Gives their ids.
    pub async fn send(&self, queue: &str, messages: Vec<(String, Option<i64>)>) -> Result<Vec<String>, Refusal> {
        let queue = queue.to_owned();
        let work = move |file: &Transaction<'_>| {
            let Some(settings) = find(file, &queue)? else { return Ok(None) };
            let mut insert = file.prepare_cached(
                "INSERT INTO message (queue, id, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let mut ids = Vec::with_capacity(messages.len());
            for (body, delay) in messages {
                let (id, now) = (message_id(), now());
                insert.execute(params![queue, id, body, now, now + delay.unwrap_or(settings.delay) * 1000])?;
                ids.push(id);
            }
            Ok(Some(ids))
        };
        let ids = self.file.run(work).await?.ok_or(Refusal::NoSuchQueue)?;
        self.changed.notify_waiters();
        Ok(ids)
    }

    /// Up to `max` messages that can be seen, waiting for the first of them.
    pub async fn receive(
        &self,
        queue: &str,
        max: i64,
        hidden: Option<i64>,
        wait: Option<i64>,
    ) -> Result<Vec<Message>, Refusal> {
        let settings = self.settings(queue).await?;
        let hidden = hidden.unwrap_or(settings.visibility_timeout);
        let until = Instant::now() + seconds(wait.unwrap_or(settings.wait));
        loop {
            // From here on no change is missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let next = self.next_visible(queue).await?;
            let due_in = next.map(|at| at - now());
            if due_in.is_some_and(|ms| ms <= 0) {
                let found = self.take(queue, &settings, max, hidden).await?;
                if !found.is_empty() {
                    return Ok(found);
                }
                continue;
            }
            let due = due_in.map(|ms| Instant::now() + Duration::from_millis(ms.unsigned_abs()));
            let wake = due.map_or(until, |due| due.min(until));
            if timeout_at(wake, changed).await.is_err() && wake == until {
                return Ok(Vec::new());
            }
        }
    }

    /// When the queue's next message can be seen.
    async fn next_visible(&self, queue: &str) -> rusqlite::Result<Option<i64>> {
        let queue = queue.to_owned();
        let sql = "SELECT MIN(visible_at) FROM message WHERE queue = ?1";
        self.file.read(move |file| file.prepare_cached(sql)?.query_row([queue], |row| row.get(0))).await
    }

    async fn take(&self, queue: &str, settings: &Settings, max: i64, hidden: i64) -> rusqlite::Result<Vec<Message>> {
        let (queue, redrive) = (queue.to_owned(), settings.redrive.clone());
        let work = move |file: &Transaction<'_>| {
            let now = now();
            if let Some((dead_letters, receives)) = redrive {
                file.prepare_cached(
                    "UPDATE message SET queue = :to, visible_at = :now, receives = 0, first_received_at = NULL,
                     receipt = NULL, held = 0 WHERE queue = :queue AND visible_at <= :now AND receives >= :receives",
                )?
                .execute(named_params! {
                    ":to": dead_letters, ":now": now, ":queue": queue, ":receives": receives
                })?;
            }
            let mut due = file.prepare_cached(
                "SELECT number FROM message WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, number LIMIT ?3",
            )?;
            let due = due.query_map(params![queue, now, max], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
            due.into_iter().map(|number| hand_out(file, number, now, hidden)).collect()
        };
        let taken = self.file.run(work).await?;
        self.changed.notify_waiters();
        Ok(taken)
    }

    /// Removes messages, if these are their last receives.
    pub async fn delete(&self, queue: &str, receipts: Vec<Receipt>) -> rusqlite::Result<()> {
        let queue = queue.to_owned();
        let sql = "DELETE FROM message WHERE number = ?1 AND receipt = ?2 AND queue = ?3";
        let work = move |file: &Transaction<'_>| {
            let mut delete = file.prepare_cached(sql)?;
            receipts.iter().try_for_each(|it| delete.execute(params![it.number, it.nonce, queue]).map(drop))
        };
        self.file.run(work).await
    }

    /// Hides messages, each for its time from now; `false` for each that is no longer the receive's.
    pub async fn hide_all(&self, queue: &str, receipts: Vec<(Receipt, i64)>) -> rusqlite::Result<Vec<bool>> {
        let queue = queue.to_owned();
        let sql = "UPDATE message SET visible_at = ?1, held = 0 WHERE number = ?2 AND receipt = ?3 AND queue = ?4";
        let work = move |file: &Transaction<'_>| {
            let (mut hide, now) = (file.prepare_cached(sql)?, now());
            let hide = receipts.iter().map(|(receipt, hidden)| {
                let changed = hide.execute(params![now + hidden * 1000, receipt.number, receipt.nonce, queue])?;
                Ok(changed > 0)
            });
            hide.collect::<rusqlite::Result<Vec<_>>>()
        };
        let changed = self.file.run(work).await?;
        self.changed.notify_waiters();
        Ok(changed)
    }

    pub async fn counts(&self, queue: &str) -> rusqlite::Result<Counts> {
        let queue = queue.to_owned();
        let sql = "SELECT COUNT(*) FILTER (WHERE visible_at <= :now),
                          COUNT(*) FILTER (WHERE visible_at > :now AND receives > 0),
                          COUNT(*) FILTER (WHERE visible_at > :now AND receives = 0)
                   FROM message WHERE queue = :queue";
        let work = move |file: &Connection| {
            file.prepare_cached(sql)?.query_row(named_params! { ":now": now(), ":queue": queue }, |row| {
                Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
            })
        };
        self.file.read(work).await
    }

    /// Removes what is older than its queue keeps messages.
    pub async fn drop_old(&self) -> rusqlite::Result<usize> {
        let sql = "DELETE FROM message WHERE number IN (SELECT number FROM message JOIN queue ON queue.name = queue
                   WHERE retention IS NOT NULL AND sent_at < ?1 - retention * 1000)";
        self.file.run(move |file| file.execute(sql, [now()])).await
    }
}

fn find(file: &Connection, name: &str) -> rusqlite::Result<Option<Settings>> {
    file.prepare_cached("SELECT * FROM queue WHERE name = ?1")?.query_row([name], Settings::read).optional()
}

fn put(file: &Connection, name: &str, settings: &Settings) -> rusqlite::Result<()> {
    let (dead_letters, receives) = settings.redrive.clone().unzip();
    let sql = "INSERT INTO queue VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (name) DO UPDATE SET visibility_timeout = ?2, delay = ?3, wait = ?4, retention = ?5,
               dead_letter_queue = ?6, max_receive_count = ?7";
    let Settings { visibility_timeout, delay, wait, retention, .. } = settings;
    let row = params![name, visibility_timeout, delay, wait, retention, dead_letters, receives, now()];
    file.execute(sql, row).map(drop)
}

fn hand_out(file: &Connection, number: i64, now: i64, hidden: i64) -> rusqlite::Result<Message> {
    let receipt = Receipt { number, nonce: hex(&random::<16>()) };
    let sql = "UPDATE message SET visible_at = ?2, receipt = ?3, held = 1, receives = receives + 1,
               first_received_at = COALESCE(first_received_at, ?4) WHERE number = ?1
               RETURNING id, body, sent_at, first_received_at, receives";
    file.prepare_cached(sql)?.query_row(params![number, now + hidden * 1000, receipt.nonce, now], |row| {
        Ok(Message {
            id: row.get(0)?,
            body: row.get(1)?,
            sent_at: row.get(2)?,
            first_received_at: row.get(3)?,
            receives: row.get(4)?,
            receipt: receipt.clone(),
        })
    })
}

/// Random, in the form that SQS gives its ids.
fn message_id() -> String {
    let digits = hex(&random::<16>());
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.unsigned_abs())
}
