//! Keeps the embedded table's stream in bounds. Its engine records every write with both images,
//! looks through all records to number the next one, and never removes any: writes would become
//! slower with all that was ever written. An index beside its own schema makes the numbering one
//! step, and what was read more than a day ago is removed, as DynamoDB does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};

/// Rows removed at once: nobody waits long for the lock meanwhile.
const STEP: usize = 500;
/// How long DynamoDB keeps a stream's records, in seconds.
pub const KEPT: i64 = 24 * 3600;

/// The records of writes in the table's file.
#[derive(Clone)]
pub struct StreamLog {
    database: PathBuf,
}

impl StreamLog {
    /// Once the engine has made its file.
    pub fn open(database: &Path) -> rusqlite::Result<Self> {
        let log = Self { database: database.to_owned() };
        log.connection()?.execute_batch(
            "CREATE INDEX IF NOT EXISTS placet_stream_records
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)",
        )?;
        Ok(log)
    }

    /// Removes records of writes before this time, in seconds since 1970; gives how many.
    pub async fn trim(&self, before: i64) -> rusqlite::Result<usize> {
        let log = self.clone();
        let whole = tokio::task::spawn_blocking(move || {
            let connection = log.connection()?;
            let sql = "DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records
                       WHERE id <= (SELECT MAX(id) - 1 FROM _stream_records) AND created_at < ?1 ORDER BY id LIMIT ?2)";
            let mut removed = 0;
            loop {
                let now = connection.execute(sql, params![before, STEP])?;
                removed += now;
                if now < STEP {
                    return Ok(removed);
                }
            }
        });
        whole.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.database)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }
}
