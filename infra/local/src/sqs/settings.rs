//! The settings of a queue, in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::sqlite::now;

/// A queue's settings. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a received message is invisible.
    pub visibility_timeout: i64,
    /// How long a new message is invisible.
    pub message_delay: i64,
    /// How long a receive waits for a message.
    pub receive_wait: i64,
    /// How long a message is kept; without a limit if `None`.
    pub retention: Option<i64>,
    pub redrive: Option<RedrivePolicy>,
}

/// When a message moves to a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// The name of the queue it moves to.
    pub dead_letter_queue: String,
    /// The number of receives after which it moves instead of being received again.
    pub max_receive_count: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { visibility_timeout: 30, message_delay: 0, receive_wait: 0, retention: None, redrive: None }
    }
}

impl Settings {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (queue, receives): (Option<String>, Option<i64>) =
            (row.get("dead_letter_queue")?, row.get("max_receive_count")?);
        let redrive = queue
            .zip(receives)
            .map(|(dead_letter_queue, max_receive_count)| RedrivePolicy { dead_letter_queue, max_receive_count });
        Ok(Self {
            visibility_timeout: row.get("visibility_timeout")?,
            message_delay: row.get("delay")?,
            receive_wait: row.get("wait")?,
            retention: row.get("retention")?,
            redrive,
        })
    }
}

/// The settings of the queue with this name.
pub fn find_queue(db: &Connection, name: &str) -> rusqlite::Result<Option<Settings>> {
    db.prepare_cached("SELECT * FROM queue WHERE name = ?1")?.query_row([name], Settings::from_row).optional()
}

/// Creates a queue, or replaces the settings of an existing one.
pub fn upsert_queue(db: &Connection, name: &str, settings: &Settings) -> rusqlite::Result<()> {
    let redrive = settings.redrive.as_ref();
    let dead_letter_queue = redrive.map(|it| &it.dead_letter_queue);
    let max_receive_count = redrive.map(|it| it.max_receive_count);
    let sql = "INSERT INTO queue VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (name) DO UPDATE SET visibility_timeout = ?2, delay = ?3, wait = ?4, retention = ?5,
               dead_letter_queue = ?6, max_receive_count = ?7";
    let Settings { visibility_timeout, message_delay, receive_wait, retention, .. } = settings;
    let row = params![
        name,
        visibility_timeout,
        message_delay,
        receive_wait,
        retention,
        dead_letter_queue,
        max_receive_count,
        now()
    ];
    db.execute(sql, row).map(drop)
}
