//! Queues and their messages in SQLite, with SQS's visibility rules.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};
use shared::{hex, random};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::MAX_VISIBILITY_TIMEOUT;
use super::error::SqsError;
use super::settings::{RedrivePolicy, Settings, find_queue, upsert_queue};
use super::sqlite::{QueueDb, now};

/// A message as a receiver gets it. Times are in milliseconds since 1970.
pub struct Message {
    pub id: String,
    pub receipt: Receipt,
    pub body: String,
    pub sent_at: i64,
    pub first_received_at: i64,
    pub receive_count: i64,
}

/// Identifies one receive of one message. The next receive of the message invalidates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    number: i64,
    nonce: String,
}

impl Receipt {
    /// Parses a receipt handle; `None` if it is malformed.
    pub fn parse(handle: &str) -> Option<Self> {
        let (number, nonce) = handle.split_once('.')?;
        let is_nonce = nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self { number: number.parse().ok()?, nonce: is_nonce.then(|| nonce.to_owned())? })
    }

    pub fn handle(&self) -> String {
        format!("{}.{}", self.number, self.nonce)
    }
}

/// How many messages a queue holds, by visibility.
pub struct MessageCounts {
    pub visible: i64,
    pub in_flight: i64,
    pub delayed: i64,
}

/// The result of a change of a message's visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisibilityChange {
    Changed,
    /// The receipt is no longer valid.
    NotInFlight,
    /// The message would be invisible for longer than its receive allows.
    BeyondLimit,
}

/// All queues of one database.
#[derive(Clone)]
pub struct Queues {
    db: QueueDb,
    /// Notified when messages may have become visible.
    changed: Arc<Notify>,
}

impl Queues {
    pub fn new(db: QueueDb) -> Self {
        Self { db, changed: Arc::new(Notify::new()) }
    }

    /// Creates the queue, or replaces the settings of an existing one.
    pub async fn ensure_queue(&self, name: &str, settings: Settings) -> rusqlite::Result<()> {
        let name = name.to_owned();
        self.db.write(move |db| upsert_queue(db, &name, &settings)).await
    }

    /// Creates the queue; `false` if one of this name exists with other settings.
    pub async fn create_queue(&self, name: String, settings: Settings) -> rusqlite::Result<bool> {
        let work = move |db: &Transaction<'_>| match find_queue(db, &name)? {
            Some(found) => Ok(found == settings),
            None => upsert_queue(db, &name, &settings).map(|()| true),
        };
        self.db.write(work).await
    }

    /// The settings of the queue with this name.
    pub async fn settings(&self, name: &str) -> Result<Settings, SqsError> {
        let name = name.to_owned();
        self.db.read(move |db| find_queue(db, &name)).await?.ok_or(SqsError::NoSuchQueue)
    }

    /// Stores all messages, each with its delay in seconds, or none of them. Returns their ids.
    pub async fn send(&self, queue: &str, messages: Vec<(String, Option<i64>)>) -> Result<Vec<String>, SqsError> {
        let queue = queue.to_owned();
        let work = move |db: &Transaction<'_>| {
            let Some(settings) = find_queue(db, &queue)? else { return Ok(None) };
            let mut insert = db.prepare_cached(
                "INSERT INTO message (queue, id, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let mut ids = Vec::with_capacity(messages.len());
            for (body, delay) in messages {
                let (id, now) = (message_id(), now());
                insert.execute(params![queue, id, body, now, now + delay.unwrap_or(settings.message_delay) * 1000])?;
                ids.push(id);
            }
            Ok(Some(ids))
        };
        let ids = self.db.write(work).await?.ok_or(SqsError::NoSuchQueue)?;
        self.changed.notify_waiters();
        Ok(ids)
    }

    /// Receives up to `max` visible messages; waits up to `wait` seconds for the first one. They
    /// become invisible for `visibility_timeout` seconds.
    pub async fn receive(
        &self,
        queue: &str,
        max: i64,
        visibility_timeout: Option<i64>,
        wait: Option<i64>,
    ) -> Result<Vec<Message>, SqsError> {
        let settings = self.settings(queue).await?;
        let visibility_timeout = visibility_timeout.unwrap_or(settings.visibility_timeout);
        let deadline = Instant::now() + seconds(wait.unwrap_or(settings.receive_wait));
        loop {
            // Enabled before the query, so that no change in between is missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let next = self.next_visible(queue).await?;
            let visible_in = next.map(|at| at - now());
            if visible_in.is_some_and(|ms| ms <= 0) {
                let found = self.receive_visible(queue, &settings, max, visibility_timeout).await?;
                if !found.is_empty() {
                    return Ok(found);
                }
                continue;
            }
            let visible_at = visible_in.map(|ms| Instant::now() + Duration::from_millis(ms.unsigned_abs()));
            let wake = visible_at.map_or(deadline, |at| at.min(deadline));
            if timeout_at(wake, changed).await.is_err() && wake == deadline {
                return Ok(Vec::new());
            }
        }
    }

    /// When the queue's next message becomes visible.
    async fn next_visible(&self, queue: &str) -> rusqlite::Result<Option<i64>> {
        let queue = queue.to_owned();
        let sql = "SELECT MIN(visible_at) FROM message WHERE queue = ?1";
        self.db.read(move |db| db.prepare_cached(sql)?.query_row([queue], |row| row.get(0))).await
    }

    /// Moves messages that were received too often to the dead-letter queue, then receives up to
    /// `max` of the others.
    async fn receive_visible(
        &self,
        queue: &str,
        settings: &Settings,
        max: i64,
        visibility_timeout: i64,
    ) -> rusqlite::Result<Vec<Message>> {
        let (queue, redrive) = (queue.to_owned(), settings.redrive.clone());
        let work = move |db: &Transaction<'_>| {
            let now = now();
            if let Some(RedrivePolicy { dead_letter_queue, max_receive_count }) = redrive {
                db.prepare_cached(
                    "UPDATE message SET queue = :to, visible_at = :now, receives = 0, first_received_at = NULL,
                     receipt = NULL, held = 0 WHERE queue = :queue AND visible_at <= :now AND receives >= :receives",
                )?
                .execute(named_params! {
                    ":to": dead_letter_queue, ":now": now, ":queue": queue, ":receives": max_receive_count
                })?;
            }
            let mut visible = db.prepare_cached(
                "SELECT number FROM message WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, number LIMIT ?3",
            )?;
            let numbers =
                visible.query_map(params![queue, now, max], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
            numbers.into_iter().map(|number| receive_one(db, number, now, visibility_timeout)).collect()
        };
        let received = self.db.write(work).await?;
        self.changed.notify_waiters();
        Ok(received)
    }

    /// Deletes the messages whose receipt is still valid.
    pub async fn delete(&self, queue: &str, receipts: Vec<Receipt>) -> rusqlite::Result<()> {
        let queue = queue.to_owned();
        let sql = "DELETE FROM message WHERE number = ?1 AND receipt = ?2 AND queue = ?3";
        let work = move |db: &Transaction<'_>| {
            let mut delete = db.prepare_cached(sql)?;
            receipts.iter().try_for_each(|it| delete.execute(params![it.number, it.nonce, queue]).map(drop))
        };
        self.db.write(work).await
    }

    /// Makes each message invisible for its number of seconds from now. As in SQS, a receive can keep a
    /// message invisible for [`MAX_VISIBILITY_TIMEOUT`] in total, counted from the receive.
    pub async fn change_visibility(
        &self,
        queue: &str,
        receipts: Vec<(Receipt, i64)>,
    ) -> rusqlite::Result<Vec<VisibilityChange>> {
        let queue = queue.to_owned();
        let work = move |db: &Transaction<'_>| {
            let now = now();
            receipts.iter().map(|(receipt, timeout)| change_one(db, &queue, receipt, now, *timeout)).collect()
        };
        let changed = self.db.write(work).await?;
        self.changed.notify_waiters();
        Ok(changed)
    }

    /// Counts the queue's messages.
    pub async fn counts(&self, queue: &str) -> rusqlite::Result<MessageCounts> {
        let queue = queue.to_owned();
        let sql = "SELECT COUNT(*) FILTER (WHERE visible_at <= :now),
                          COUNT(*) FILTER (WHERE visible_at > :now AND receives > 0),
                          COUNT(*) FILTER (WHERE visible_at > :now AND receives = 0)
                   FROM message WHERE queue = :queue";
        let work = move |db: &Connection| {
            db.prepare_cached(sql)?.query_row(named_params! { ":now": now(), ":queue": queue }, |row| {
                Ok(MessageCounts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
            })
        };
        self.db.read(work).await
    }

    /// Deletes messages older than their queue's retention; returns how many.
    pub async fn delete_expired(&self) -> rusqlite::Result<usize> {
        let sql = "DELETE FROM message WHERE number IN (SELECT number FROM message JOIN queue ON queue.name = queue
                   WHERE retention IS NOT NULL AND sent_at < ?1 - retention * 1000)";
        self.db.write(move |db| db.execute(sql, [now()])).await
    }
}

fn change_one(
    db: &Connection,
    queue: &str,
    receipt: &Receipt,
    now: i64,
    timeout: i64,
) -> rusqlite::Result<VisibilityChange> {
    let visible_at = now + timeout * 1000;
    let find = "SELECT COALESCE(received_at, ?4) FROM message WHERE number = ?1 AND receipt = ?2 AND queue = ?3";
    let row = params![receipt.number, receipt.nonce, queue, now];
    let received_at: Option<i64> = db.prepare_cached(find)?.query_row(row, |row| row.get(0)).optional()?;
    match received_at {
        None => Ok(VisibilityChange::NotInFlight),
        Some(at) if visible_at - at >= MAX_VISIBILITY_TIMEOUT * 1000 => Ok(VisibilityChange::BeyondLimit),
        Some(_) => {
            let sql = "UPDATE message SET visible_at = ?1, held = 0 WHERE number = ?2";
            db.prepare_cached(sql)?.execute(params![visible_at, receipt.number])?;
            Ok(VisibilityChange::Changed)
        }
    }
}

fn receive_one(db: &Connection, number: i64, now: i64, visibility_timeout: i64) -> rusqlite::Result<Message> {
    let receipt = Receipt { number, nonce: hex::encode(&random::bytes::<16>()) };
    let sql = "UPDATE message SET visible_at = ?2, receipt = ?3, held = 1, receives = receives + 1, received_at = ?4,
               first_received_at = COALESCE(first_received_at, ?4) WHERE number = ?1
               RETURNING id, body, sent_at, first_received_at, receives";
    db.prepare_cached(sql)?.query_row(params![number, now + visibility_timeout * 1000, receipt.nonce, now], |row| {
        Ok(Message {
            id: row.get(0)?,
            body: row.get(1)?,
            sent_at: row.get(2)?,
            first_received_at: row.get(3)?,
            receive_count: row.get(4)?,
            receipt: receipt.clone(),
        })
    })
}

/// A random id in the format of SQS.
fn message_id() -> String {
    let digits = hex::encode(&random::bytes::<16>());
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.unsigned_abs())
}
