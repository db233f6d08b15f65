//! Limits the embedded table's stream. The engine records every write with both images, scans all records to number the
//! next one, and deletes none, so writes would slow down with history, and a draft that grows word by word would be stored
//! once for each word. An additional index makes the numbering one lookup, and records are deleted soon after they are
//! processed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};

/// Rows deleted per statement, to hold the write lock briefly.
const BATCH_SIZE: usize = 500;
/// How long processed stream records are kept, in seconds.
pub const RETENTION: i64 = 60;

/// The stream records in the table's database.
#[derive(Clone)]
pub struct StreamRetention {
    database: PathBuf,
}

impl StreamRetention {
    /// Creates the index. The engine must have created the database.
    pub fn open(database: &Path) -> rusqlite::Result<Self> {
        let retention = Self { database: database.to_owned() };
        retention.connection()?.execute_batch(
            "CREATE INDEX IF NOT EXISTS placet_stream_records
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)",
        )?;
        Ok(retention)
    }

    /// Deletes records of writes before this time, in seconds since 1970; returns how many.
    pub async fn trim(&self, before: i64) -> rusqlite::Result<usize> {
        let retention = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let connection = retention.connection()?;
            let sql = "DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records
                       WHERE id <= (SELECT MAX(id) - 1 FROM _stream_records) AND created_at < ?1 ORDER BY id LIMIT ?2)";
            let mut deleted = 0;
            loop {
                let rows = connection.execute(sql, params![before, BATCH_SIZE])?;
                deleted += rows;
                if rows < BATCH_SIZE {
                    return Ok(deleted);
                }
            }
        });
        task.await.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.database)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }
}
