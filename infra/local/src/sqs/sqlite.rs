//! The SQLite database of the queues and of the stream checkpoints.
//!
//! A commit reaches the disk before it is acknowledged, so an accepted message survives a crash and
//! a power cut. Queues and checkpoints share one database so that its write-ahead log keeps their
//! order: a checkpoint never survives without the messages that were sent before it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StartError;

/// The file's name in the data directory.
pub const FILE: &str = "queues.sqlite";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS queue (
        name TEXT PRIMARY KEY,
        visibility_timeout INTEGER NOT NULL,
        delay INTEGER NOT NULL,
        wait INTEGER NOT NULL,
        retention INTEGER,
        dead_letter_queue TEXT,
        max_receive_count INTEGER,
        created_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS message (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        first_received_at INTEGER,
        received_at INTEGER,
        receipt TEXT,
        held INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS message_visible ON message (queue, visible_at);
    CREATE TABLE IF NOT EXISTS position (
        stream TEXT NOT NULL,
        shard TEXT NOT NULL,
        sequence_number TEXT,
        written_at INTEGER,
        finished INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (stream, shard)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS instance (
        id TEXT NOT NULL,
        started_at INTEGER NOT NULL
    );
";

/// The database. Clones share one connection; its calls run on blocking threads.
#[derive(Clone)]
pub struct QueueDb(Arc<Mutex<Connection>>);

impl QueueDb {
    /// Opens the database in the data directory, and creates it if absent. Messages that a previous
    /// process had received become visible again.
    pub fn open(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join(FILE);
        let open = || {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(SCHEMA)?;
            add_received_at(&connection)?;
            // Their receivers ended with the previous process. Messages whose visibility a receiver
            // changed explicitly keep it.
            connection.execute("UPDATE message SET visible_at = ?1, held = 0 WHERE held = 1", [now()])?;
            Ok(connection)
        };
        let connection = open().map_err(|err: rusqlite::Error| {
            StartError::message(format!("The queues in {} cannot be opened: {err}.", path.display()))
        })?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// The id of the installation that the database belongs to, if one is recorded.
    pub async fn instance_id(&self) -> rusqlite::Result<Option<String>> {
        self.read(|file| file.query_row("SELECT MAX(id) FROM instance", [], |row| row.get(0))).await
    }

    /// Records which installation the database belongs to, and the time of this start.
    pub async fn set_instance_id(&self, id: String) -> rusqlite::Result<()> {
        let work = move |file: &Transaction<'_>| {
            file.execute("DELETE FROM instance", [])?;
            file.execute("INSERT INTO instance VALUES (?1, ?2)", rusqlite::params![id, now()]).map(drop)
        };
        self.write(work).await
    }

    /// Runs `work` in one transaction, which is rolled back if it fails.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = self.0.clone();
        let task = tokio::task::spawn_blocking(move || {
            // A panic in an earlier call rolled its transaction back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        });
        task.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }

    /// Runs `work`, which must only read.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = self.0.clone();
        let task =
            tokio::task::spawn_blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
        task.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }
}

/// Adds the column that databases of earlier versions lack.
fn add_received_at(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT COUNT(*) FROM pragma_table_info('message') WHERE name = 'received_at'";
    let has_column = connection.query_row(sql, [], |row| row.get(0))?;
    if has_column { Ok(()) } else { connection.execute_batch("ALTER TABLE message ADD COLUMN received_at INTEGER") }
}

/// Milliseconds since 1970-01-01 UTC.
pub fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
