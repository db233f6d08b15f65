//! One SQLite file beside the table's: the queues, and how far the table's stream was read.
//!
//! A commit is on the disk before it is acknowledged, as the table's are: a message that was
//! accepted survives a kill and a power cut. The queues and the positions share the file so that
//! its log keeps their order: a position never outlives the messages that were sent before it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StartError;

/// The file's name, in the directory that the data is kept in.
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

/// The file. Clones share one connection, whose calls run on threads that may block.
#[derive(Clone)]
pub struct Durable(Arc<Mutex<Connection>>);

impl Durable {
    pub fn open(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join(FILE);
        let open = || {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(SCHEMA)?;
            // Who had received them is gone with the process that read this file before. What was
            // put off on purpose stays put off.
            connection.execute("UPDATE message SET visible_at = ?1, held = 0 WHERE held = 1", [now()])?;
            Ok(connection)
        };
        let connection = open().map_err(|err: rusqlite::Error| {
            StartError::told(format!("The queues in {} cannot be opened: {err}.", path.display()))
        })?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// The installation that the file belongs to, if it was told.
    pub async fn instance(&self) -> rusqlite::Result<Option<String>> {
        self.read(|file| file.query_row("SELECT MAX(id) FROM instance", [], |row| row.get(0))).await
    }

    /// Notes which installation the file belongs to, and that it is used from now on.
    pub async fn set_instance(&self, id: String) -> rusqlite::Result<()> {
        let work = move |file: &Transaction<'_>| {
            file.execute("DELETE FROM instance", [])?;
            file.execute("INSERT INTO instance VALUES (?1, ?2)", rusqlite::params![id, now()]).map(drop)
        };
        self.run(work).await
    }

    /// Runs `work` in one transaction: all of it is stored, or nothing.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = self.0.clone();
        let whole = tokio::task::spawn_blocking(move || {
            // A panic of an earlier call has rolled its transaction back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        whole.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }

    /// Runs `work`, which only reads.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = self.0.clone();
        let whole =
            tokio::task::spawn_blocking(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner)));
        whole.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
