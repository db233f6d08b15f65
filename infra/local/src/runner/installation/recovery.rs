//! Inspects the database files before SQLite opens them. SQLite recovers silently: it drops unreadable
//! frames of a write-ahead log, and starts an empty log if the file is missing. This module logs such
//! losses and rejects a damaged database.
//!
//! Writes that were cut off the end of a log cannot be detected, unless the stream reader had already
//! processed them.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::wal::WalState;
use crate::StartError;
use crate::engines::{DATABASE, TABLE};
use crate::runner::data_dir::DataDir;
use crate::sqs::sqlite;

/// The size up to which a database is checked completely, because the check reads all of it. Of a
/// larger one only the schema is read.
const MAX_CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// Rejects a directory with a damaged database, and logs detected losses.
pub fn inspect(dir: &DataDir) -> Result<(), StartError> {
    let found: Vec<PathBuf> = [DATABASE, sqlite::FILE].map(|name| dir.path().join(name)).into();
    let found: Vec<PathBuf> = found.into_iter().filter(|path| path.exists()).collect();
    for path in &found {
        let log = PathBuf::from(format!("{}-wal", path.display()));
        let state = WalState::read(&log)
            .map_err(|err| StartError::message(format!("{} cannot be read: {err}.", log.display())));
        report(&log, state?, dir.was_running());
    }
    for path in &found {
        match check(path) {
            Ok(None) => {}
            Ok(Some(problem)) => return Err(damaged(path, &problem)),
            Err(err) => return Err(damaged(path, &err)),
        }
    }
    if let [table, queues] = found.as_slice() {
        warn_if_table_is_behind(table, queues);
    }
    Ok(())
}

/// Deletes a table that a first start did not finish creating: the engine would treat it as complete.
/// The engine enables the stream last, so the table holds no items yet.
pub fn remove_unfinished(dir: &DataDir) -> Result<(), StartError> {
    let path = dir.path().join(DATABASE);
    let sql = "SELECT COUNT(*) FROM _tables WHERE table_name = ?1 AND NOT stream_enabled";
    let count_unfinished = |path| open(path)?.query_row(sql, [TABLE], |row| row.get::<_, i64>(0));
    if path.exists() && count_unfinished(&path).is_ok_and(|tables| tables > 0) {
        for suffix in ["", "-wal", "-shm"] {
            dir.delete(&format!("{DATABASE}{suffix}"))?;
        }
    }
    Ok(())
}

fn report(log: &Path, found: WalState, was_running: bool) {
    let log = log.display();
    match found {
        WalState::Damaged { recovered, dropped } => tracing::warn!(
            "{log} is damaged: {recovered} of its pages were recovered and {dropped} dropped, so the latest changes may \
             be lost; restore a backup if they matter"
        ),
        WalState::Absent if was_running => tracing::warn!(
            "the runner was not stopped cleanly and {log} is missing: changes since the last checkpoint are lost; \
             restore a backup if they matter"
        ),
        WalState::Intact { frames } if was_running => tracing::warn!(
            "the runner was not stopped cleanly: {frames} pages were recovered from {log}, which shows no damage; a \
             truncated log cannot be detected"
        ),
        WalState::Absent | WalState::Intact { .. } => {}
    }
}

/// Opens a database with its log, and changes neither.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn check(path: &Path) -> rusqlite::Result<Option<String>> {
    let connection = open(path)?;
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if path.metadata().is_ok_and(|it| it.len() > MAX_CHECKED_BYTES) {
        return Ok(None);
    }
    let result: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((result != "ok").then_some(result))
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> StartError {
    let problem = problem.to_string();
    let first = problem.lines().last().unwrap_or_default();
    StartError::message(format!(
        "The database {} is damaged ({first}): restore the data directory from a backup, or use another --data-dir.",
        path.display()
    ))
}

/// Compares the stream checkpoint in the queues' database with the newest stream record: a processed
/// record is in the table, unless the table lost it.
fn warn_if_table_is_behind(table: &Path, queues: &Path) {
    // The engine's sequence numbers are a 1 followed by twenty digits.
    let processed =
        "SELECT MAX(CAST(SUBSTR(sequence_number, 2) AS INTEGER)) FROM position WHERE LENGTH(sequence_number) = 21";
    let written = "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records";
    let newest = |path: &Path, sql: &str| {
        let found = open(path).and_then(|file| file.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)));
        found.ok().flatten()
    };
    if newest(queues, processed) > newest(table, written) {
        tracing::warn!(
            "{} is older than {}: it lacks changes that were already processed; restore a backup if they matter",
            table.display(),
            queues.display()
        );
    }
}
