//! Reads SQLite's write-ahead log (<https://sqlite.org/fileformat2.html>, section 4) to find out how
//! much of it SQLite will recover and whether it will drop frames.
//!
//! SQLite reads frames up to the first one with a wrong salt or checksum and silently ignores the
//! rest. Frames of an earlier generation are expected there, because SQLite restarts the file from its
//! beginning after a checkpoint. Any other frame is damage.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC_LITTLE_ENDIAN: u32 = 0x377f_0682;
const MAGIC_BIG_ENDIAN: u32 = 0x377f_0683;

/// The state of a log file before its database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalState {
    /// The file is absent or empty.
    Absent,
    /// All frames up to the last committed transaction are recovered.
    Intact { frames: u64 },
    /// The frames after the first damaged one are dropped.
    Damaged { recovered: u64, dropped: u64 },
}

impl WalState {
    /// Reads a log file. Call it before SQLite opens the database.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::Absent),
            Err(err) => return Err(err),
        };
        let length = file.metadata()?.len();
        if length == 0 { Ok(Self::Absent) } else { Self::scan(BufReader::new(file), length) }
    }

    fn scan(mut log: impl Read, length: u64) -> io::Result<Self> {
        let mut header = [0; HEADER];
        let is_complete = read_block(&mut log, &mut header)?;
        let Some(mut reader) = Generation::from_header(&header).filter(|_| is_complete) else {
            return Ok(Self::Damaged { recovered: 0, dropped: length.div_ceil(4096) });
        };
        let mut frame = vec![0; FRAME_HEADER + reader.page_size];
        let (mut frames, mut recovered, mut dropped, mut is_valid) = (0, 0, 0, true);
        while read_block(&mut log, &mut frame)? {
            frames += 1;
            is_valid = is_valid && reader.accepts(&frame);
            if is_valid {
                if word(&frame, 4) != 0 {
                    recovered = frames;
                }
            } else if !reader.is_from_earlier_generation(&frame) {
                dropped += 1;
            }
        }
        Ok(if dropped == 0 { Self::Intact { frames: recovered } } else { Self::Damaged { recovered, dropped } })
    }
}

/// Verifies the frames written since the log was last restarted.
struct Generation {
    is_big_endian: bool,
    page_size: usize,
    salts: [u32; 2],
    checksum: (u32, u32),
}

impl Generation {
    fn from_header(header: &[u8; HEADER]) -> Option<Self> {
        let is_big_endian = match word(header, 0) {
            MAGIC_BIG_ENDIAN => true,
            MAGIC_LITTLE_ENDIAN => false,
            _ => return None,
        };
        let page_size = word(header, 8) as usize;
        let checksum = extend_checksum(is_big_endian, (0, 0), &header[..24]);
        let is_page_size = page_size.is_power_of_two() && (512..=65536).contains(&page_size);
        (is_page_size && checksum == (word(header, 24), word(header, 28))).then(|| Self {
            is_big_endian,
            page_size,
            salts: [word(header, 16), word(header, 20)],
            checksum,
        })
    }

    /// Whether SQLite accepts the frame as the next one.
    fn accepts(&mut self, frame: &[u8]) -> bool {
        if [word(frame, 8), word(frame, 12)] != self.salts || word(frame, 0) == 0 {
            return false;
        }
        let checksum = extend_checksum(self.is_big_endian, self.checksum, &frame[..8]);
        self.checksum = extend_checksum(self.is_big_endian, checksum, &frame[FRAME_HEADER..]);
        self.checksum == (word(frame, 16), word(frame, 20))
    }

    /// Whether the frame belongs to an earlier generation: the first salt counts generations.
    fn is_from_earlier_generation(&self, frame: &[u8]) -> bool {
        const MAX_AGE: u32 = 1 << 20;
        let age = self.salts[0].wrapping_sub(word(frame, 8));
        (1..MAX_AGE).contains(&age)
    }
}

/// SQLite's checksum over pairs of words, continued from `initial`.
fn extend_checksum(is_big_endian: bool, initial: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    bytes.chunks_exact(8).fold(initial, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        (first, second.wrapping_add(word(&pair[4..])).wrapping_add(first))
    })
}

/// The big-endian word at this offset.
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Fills the buffer; `false` if the file ends before that.
fn read_block(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in tests a panic is a failed test")]

    use std::fs;
    use std::path::PathBuf;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    /// A copy of an open database whose log has `rows` transactions.
    fn database_with_log(rows: u32, checkpoint: bool) -> (TempDir, PathBuf) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE a (b)").unwrap();
        let insert = |row: u32| connection.execute("INSERT INTO a VALUES (?1)", [format!("{row}-{}", "x".repeat(900))]);
        for row in 0..rows {
            insert(row).unwrap();
        }
        if checkpoint {
            connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).unwrap();
            for row in 0..3 {
                insert(row).unwrap();
            }
        }
        let copy = dir.path().join("copy.sqlite");
        for suffix in ["", "-wal"] {
            let name = |base: &str| dir.path().join(format!("{base}{suffix}"));
            fs::copy(name("a.sqlite"), name("copy.sqlite")).unwrap();
        }
        (dir, copy)
    }

    fn log_of(path: &Path) -> PathBuf {
        PathBuf::from(format!("{}-wal", path.display()))
    }

    fn rows(path: &Path) -> u32 {
        Connection::open(path).unwrap().query_row("SELECT COUNT(*) FROM a", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_log_that_sqlite_wrote_is_intact() {
        for checkpoint in [false, true] {
            let (_dir, path) = database_with_log(40, checkpoint);
            assert!(
                matches!(WalState::read(&log_of(&path)).unwrap(), WalState::Intact { frames } if frames > 0),
                "{checkpoint}"
            );
        }
        let (_dir, path) = database_with_log(1, false);
        fs::remove_file(log_of(&path)).unwrap();
        assert_eq!(WalState::read(&log_of(&path)).unwrap(), WalState::Absent);
        fs::write(log_of(&path), "").unwrap();
        assert_eq!(WalState::read(&log_of(&path)).unwrap(), WalState::Absent);
    }

    /// Wherever bytes are overwritten: if SQLite loses rows, the log counts as damaged.
    #[test]
    fn damage_that_loses_rows_is_detected() {
        let (_dir, path) = database_with_log(40, false);
        let intact = fs::read(log_of(&path)).unwrap();
        let mut lost = 0;
        for at in (0..intact.len()).step_by(5003) {
            for (length, byte) in [(1, 0x5a), (700, 0), (9000, 0xff), (intact.len(), 7)] {
                let mut damaged = intact.clone();
                let end = (at + length).min(intact.len());
                damaged[at..end].iter_mut().for_each(|it| *it ^= byte);
                fs::write(log_of(&path), &damaged).unwrap();
                let state = WalState::read(&log_of(&path)).unwrap();
                let (base, log) = (path.with_extension("try"), path.with_extension("try-wal"));
                fs::copy(&path, &base).unwrap();
                fs::write(&log, &damaged).unwrap();
                let kept = Connection::open(&base).unwrap().query_row("SELECT COUNT(*) FROM a", [], |row| row.get(0));
                if kept.unwrap_or(0) < 40 {
                    lost += 1;
                    assert!(matches!(state, WalState::Damaged { .. }), "{at} {length}: {state:?}");
                }
            }
        }
        assert!(lost > 20, "{lost}");
        fs::write(log_of(&path), &intact).unwrap();
        assert_eq!(rows(&path), 40);
    }

    #[test]
    fn an_unfinished_transaction_is_not_damage() {
        let (_dir, path) = database_with_log(10, false);
        let intact = fs::read(log_of(&path)).unwrap();
        fs::write(log_of(&path), &intact[..intact.len() - 100]).unwrap();
        assert!(matches!(WalState::read(&log_of(&path)).unwrap(), WalState::Intact { .. }));
    }
}
