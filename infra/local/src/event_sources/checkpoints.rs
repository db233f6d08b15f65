//! The progress of reading each shard of a stream, on the disk.

use std::collections::HashMap;

use rusqlite::{Row, Transaction, params};

use crate::sqs::sqlite::QueueDb;

/// The position in one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The sequence number of the last processed record; `None` before the first.
    pub after: Option<String>,
    /// The shard is closed and all its records are processed.
    pub is_finished: bool,
}

/// The checkpoints of one stream.
#[derive(Clone)]
pub struct Checkpoints {
    db: QueueDb,
    stream: String,
}

impl Checkpoints {
    /// The checkpoints of the stream with this ARN.
    pub fn new(db: QueueDb, stream: &str) -> Self {
        Self { db, stream: stream.to_owned() }
    }

    /// All checkpoints, by shard id.
    pub async fn list(&self) -> rusqlite::Result<HashMap<String, Checkpoint>> {
        let stream = self.stream.clone();
        let sql = "SELECT shard, sequence_number, finished FROM position WHERE stream = ?1";
        let from_row = |row: &Row<'_>| Ok((row.get(0)?, Checkpoint { after: row.get(1)?, is_finished: row.get(2)? }));
        self.db.read(move |db| db.prepare_cached(sql)?.query_map([stream], from_row)?.collect()).await
    }

    /// Records that the shard is processed up to this record, written at this time in seconds since
    /// 1970.
    pub async fn save(&self, shard: &str, sequence_number: &str, written_at: i64) -> rusqlite::Result<()> {
        let (stream, shard, number) = (self.stream.clone(), shard.to_owned(), sequence_number.to_owned());
        let sql = "INSERT INTO position (stream, shard, sequence_number, written_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (stream, shard) DO UPDATE SET sequence_number = ?3, written_at = ?4";
        let work = move |db: &Transaction<'_>| db.execute(sql, params![stream, shard, number, written_at]).map(drop);
        self.db.write(work).await
    }

    /// The time before which every write is processed, in seconds since 1970; `None` before the first.
    pub async fn processed_until(&self) -> rusqlite::Result<Option<i64>> {
        let stream = self.stream.clone();
        let sql = "SELECT MIN(written_at) FROM position WHERE stream = ?1 AND NOT finished";
        self.db.read(move |db| db.query_row(sql, [stream], |row| row.get(0))).await
    }

    /// Records that the shard is closed and completely processed.
    pub async fn finish(&self, shard: &str) -> rusqlite::Result<()> {
        let (stream, shard) = (self.stream.clone(), shard.to_owned());
        let sql = "INSERT INTO position (stream, shard, finished) VALUES (?1, ?2, 1)
                   ON CONFLICT (stream, shard) DO UPDATE SET finished = 1";
        self.db.write(move |db| db.execute(sql, params![stream, shard]).map(drop)).await
    }
}
