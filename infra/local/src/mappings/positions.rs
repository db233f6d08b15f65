//! How far each shard of a stream was read, on the disk.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

use crate::durable::Durable;

/// Where a shard's reading goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The last record that is done; `None` before the first.
    pub after: Option<String>,
    /// It is closed, and all of it is done.
    pub finished: bool,
}

#[derive(Clone)]
pub struct Positions {
    file: Durable,
    stream: String,
}

impl Positions {
    pub fn new(file: Durable, stream: &str) -> Self {
        Self { file, stream: stream.to_owned() }
    }

    /// By shard.
    pub async fn all(&self) -> rusqlite::Result<HashMap<String, Position>> {
        let stream = self.stream.clone();
        let sql = "SELECT shard, sequence_number, finished FROM position WHERE stream = ?1";
        self.file
            .read(move |file| {
                let mut found = file.prepare_cached(sql)?;
                let row =
                    |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Position { after: row.get(1)?, finished: row.get(2)? }));
                found.query_map([stream], row)?.collect()
            })
            .await
    }

    /// Everything up to this record, of a write at this time in seconds since 1970, is done.
    pub async fn done(&self, shard: &str, sequence_number: &str, written_at: i64) -> rusqlite::Result<()> {
        let (stream, shard, number) = (self.stream.clone(), shard.to_owned(), sequence_number.to_owned());
        let sql = "INSERT INTO position (stream, shard, sequence_number, written_at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (stream, shard) DO UPDATE SET sequence_number = ?3, written_at = ?4";
        let work =
            move |file: &Transaction<'_>| file.execute(sql, params![stream, shard, number, written_at]).map(drop);
        self.file.run(work).await
    }

    /// Everything written before this time is done; `None` before the first.
    pub async fn done_before(&self) -> rusqlite::Result<Option<i64>> {
        let stream = self.stream.clone();
        let sql = "SELECT MIN(written_at) FROM position WHERE stream = ?1 AND NOT finished";
        self.file.read(move |file| file.query_row(sql, [stream], |row| row.get(0))).await
    }

    /// Nothing will ever be added to this shard, and all of it is done.
    pub async fn finished(&self, shard: &str) -> rusqlite::Result<()> {
        let (stream, shard) = (self.stream.clone(), shard.to_owned());
        let sql = "INSERT INTO position (stream, shard, finished) VALUES (?1, ?2, 1)
                   ON CONFLICT (stream, shard) DO UPDATE SET finished = 1";
        self.file.run(move |file| file.execute(sql, params![stream, shard]).map(drop)).await
    }
}
