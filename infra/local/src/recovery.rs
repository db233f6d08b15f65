//! What the databases' files look like before anything opens them. SQLite recovers silently: it
//! drops what it cannot read of a write-ahead log, and begins an empty one where there is none.
//! This says so, and refuses a damaged database.
//!
//! What cannot be seen: writes that were cut off the end of a log, unless the stream's reader had
//! already handled them.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StartError;
use crate::data_dir::DataDir;
use crate::durable;
use crate::engines::{DATABASE, TABLE};
use crate::wal::Log;

/// Of a larger database only its first pages are checked: the check reads all of it.
const MOST_CHECKED: u64 = 64 * 1024 * 1024;

/// Refuses a directory with a damaged database, and logs what will be or was lost.
pub fn inspect(dir: &DataDir) -> Result<(), StartError> {
    let found: Vec<PathBuf> = [DATABASE, durable::FILE].map(|name| dir.path().join(name)).into();
    let found: Vec<PathBuf> = found.into_iter().filter(|path| path.exists()).collect();
    for path in &found {
        let log = PathBuf::from(format!("{}-wal", path.display()));
        let read = Log::read(&log).map_err(|err| StartError::told(format!("{} cannot be read: {err}.", log.display())));
        report(&log, read?, dir.was_running());
    }
    for path in &found {
        match check(path) {
            Ok(None) => {}
            Ok(Some(problem)) => return Err(damaged(path, &problem)),
            Err(err) => return Err(damaged(path, &err)),
        }
    }
    if let [table, queues] = found.as_slice() {
        compare(table, queues);
    }
    Ok(())
}

/// A first start that dies while the engine makes its table leaves parts of one, which the engine
/// takes for whole. The stream is what it makes last, and nothing was in the table before: the next
/// start begins anew.
pub fn remove_unfinished(dir: &DataDir) -> Result<(), StartError> {
    let path = dir.path().join(DATABASE);
    let sql = "SELECT COUNT(*) FROM _tables WHERE table_name = ?1 AND NOT stream_enabled";
    let unfinished = |path| open(path)?.query_row(sql, [TABLE], |row| row.get::<_, i64>(0));
    if path.exists() && unfinished(&path).is_ok_and(|tables| tables > 0) {
        for suffix in ["", "-wal", "-shm"] {
            dir.remove(&format!("{DATABASE}{suffix}"))?;
        }
    }
    Ok(())
}

fn report(log: &Path, found: Log, was_running: bool) {
    let log = log.display();
    match found {
        Log::Damaged { recovered, dropped } => tracing::warn!(
            "{log} is damaged: {recovered} of its pages were recovered and {dropped} dropped, so changes that were made \
             last may be lost; restore a backup if they matter"
        ),
        Log::Absent if was_running => tracing::warn!(
            "the runner was not stopped cleanly and {log} is missing: changes since the last checkpoint are lost; \
             restore a backup if they matter"
        ),
        Log::Whole { frames } if was_running => tracing::warn!(
            "the runner was not stopped cleanly: {frames} pages were recovered from {log}, which shows no damage; \
             whether it was cut short cannot be told"
        ),
        Log::Absent | Log::Whole { .. } => {}
    }
}

/// Opens a database as it is, its log included, and leaves both as they are.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

fn check(path: &Path) -> rusqlite::Result<Option<String>> {
    let connection = open(path)?;
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if path.metadata().is_ok_and(|it| it.len() > MOST_CHECKED) {
        return Ok(None);
    }
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

fn damaged(path: &Path, problem: &dyn std::fmt::Display) -> StartError {
    let problem = problem.to_string();
    let first = problem.lines().last().unwrap_or_default();
    StartError::told(format!(
        "The database {} is damaged ({first}): restore the data directory from a backup, or use another --data-dir.",
        path.display()
    ))
}

/// The reader of the table's stream notes how far it is in the other file: what it has handled is
/// in the table, unless the table lost it.
fn compare(table: &Path, queues: &Path) {
    // The engine gives its numbers out as a 1 and twenty digits.
    let handled =
        "SELECT MAX(CAST(SUBSTR(sequence_number, 2) AS INTEGER)) FROM position WHERE LENGTH(sequence_number) = 21";
    let written = "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records";
    let newest = |path: &Path, sql: &str| {
        let found = open(path).and_then(|file| file.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)));
        found.ok().flatten()
    };
    if newest(queues, handled) > newest(table, written) {
        tracing::warn!(
            "{} is older than {}: it lacks changes that had been handled; restore a backup if they matter",
            table.display(),
            queues.display()
        );
    }
}
