//! SQLite's write-ahead log, as its file format says (<https://sqlite.org/fileformat2.html>,
//! section 4): how much of one SQLite will recover, and whether it will drop anything.
//!
//! SQLite reads frames until the first whose salt or checksum is wrong, and says nothing of what
//! comes after it. Frames of an earlier generation of the log are left there on purpose: SQLite
//! begins the file anew once all of it is in the database. Anything else is damage.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC_LITTLE_ENDIAN: u32 = 0x377f_0682;
const MAGIC_BIG_ENDIAN: u32 = 0x377f_0683;

/// What a log file is to the next opening of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// There is no file, or nothing in it.
    Absent,
    /// All of its frames are recovered, up to the end of the last transaction.
    Whole { frames: u64 },
    /// Frames after the first damaged one are dropped.
    Damaged { recovered: u64, dropped: u64 },
}

impl Log {
    /// Reads a log before SQLite does.
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
        let whole_header = read_whole(&mut log, &mut header)?;
        let Some(mut reader) = Generation::of(&header).filter(|_| whole_header) else {
            return Ok(Self::Damaged { recovered: 0, dropped: length.div_ceil(4096) });
        };
        let mut frame = vec![0; FRAME_HEADER + reader.page_size];
        let (mut frames, mut recovered, mut dropped, mut is_sound) = (0, 0, 0, true);
        while read_whole(&mut log, &mut frame)? {
            frames += 1;
            is_sound = is_sound && reader.accepts(&frame);
            if is_sound {
                if word(&frame, 4) != 0 {
                    recovered = frames;
                }
            } else if !reader.is_left_over(&frame) {
                dropped += 1;
            }
        }
        Ok(if dropped == 0 { Self::Whole { frames: recovered } } else { Self::Damaged { recovered, dropped } })
    }
}

/// The frames that were written since the log was begun anew.
struct Generation {
    is_big_endian: bool,
    page_size: usize,
    salts: [u32; 2],
    checksum: (u32, u32),
}

impl Generation {
    fn of(header: &[u8; HEADER]) -> Option<Self> {
        let is_big_endian = match word(header, 0) {
            MAGIC_BIG_ENDIAN => true,
            MAGIC_LITTLE_ENDIAN => false,
            _ => return None,
        };
        let page_size = word(header, 8) as usize;
        let checksum = sum(is_big_endian, (0, 0), &header[..24]);
        let is_sound = page_size.is_power_of_two() && (512..=65536).contains(&page_size);
        (is_sound && checksum == (word(header, 24), word(header, 28))).then(|| Self {
            is_big_endian,
            page_size,
            salts: [word(header, 16), word(header, 20)],
            checksum,
        })
    }

    /// Whether a frame comes next, as SQLite judges it.
    fn accepts(&mut self, frame: &[u8]) -> bool {
        if [word(frame, 8), word(frame, 12)] != self.salts || word(frame, 0) == 0 {
            return false;
        }
        let checksum = sum(self.is_big_endian, self.checksum, &frame[..8]);
        self.checksum = sum(self.is_big_endian, checksum, &frame[FRAME_HEADER..]);
        self.checksum == (word(frame, 16), word(frame, 20))
    }

    /// Whether a frame is of an earlier generation: the first salt counts them.
    fn is_left_over(&self, frame: &[u8]) -> bool {
        const FEW: u32 = 1 << 20;
        let age = self.salts[0].wrapping_sub(word(frame, 8));
        (1..FEW).contains(&age)
    }
}

/// SQLite's checksum, begun at `from`, over pairs of words.
fn sum(is_big_endian: bool, from: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |four: &[u8]| {
        let four = [four[0], four[1], four[2], four[3]];
        if is_big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    bytes.chunks_exact(8).fold(from, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        (first, second.wrapping_add(word(&pair[4..])).wrapping_add(first))
    })
}

/// A big-endian word.
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Fills the buffer; `false` at the end of the file, also in the middle of a frame.
fn read_whole(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
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

    /// A database whose log has `rows` transactions, copied while it is open.
    fn logged(rows: u32, checkpoint: bool) -> (TempDir, PathBuf) {
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
    fn a_log_is_whole_as_sqlite_left_it() {
        for checkpoint in [false, true] {
            let (_dir, path) = logged(40, checkpoint);
            assert!(matches!(Log::read(&log_of(&path)).unwrap(), Log::Whole { frames } if frames > 0), "{checkpoint}");
        }
        let (_dir, path) = logged(1, false);
        fs::remove_file(log_of(&path)).unwrap();
        assert_eq!(Log::read(&log_of(&path)).unwrap(), Log::Absent);
        fs::write(log_of(&path), "").unwrap();
        assert_eq!(Log::read(&log_of(&path)).unwrap(), Log::Absent);
    }

    /// Whatever is overwritten: if SQLite loses rows by it, the log is damaged.
    #[test]
    fn damage_that_loses_rows_is_seen() {
        let (_dir, path) = logged(40, false);
        let sound = fs::read(log_of(&path)).unwrap();
        let mut lost = 0;
        for at in (0..sound.len()).step_by(5003) {
            for (length, byte) in [(1, 0x5a), (700, 0), (9000, 0xff), (sound.len(), 7)] {
                let mut damaged = sound.clone();
                let end = (at + length).min(sound.len());
                damaged[at..end].iter_mut().for_each(|it| *it ^= byte);
                fs::write(log_of(&path), &damaged).unwrap();
                let said = Log::read(&log_of(&path)).unwrap();
                let (base, log) = (path.with_extension("try"), path.with_extension("try-wal"));
                fs::copy(&path, &base).unwrap();
                fs::write(&log, &damaged).unwrap();
                let kept = Connection::open(&base).unwrap().query_row("SELECT COUNT(*) FROM a", [], |row| row.get(0));
                if kept.unwrap_or(0) < 40 {
                    lost += 1;
                    assert!(matches!(said, Log::Damaged { .. }), "{at} {length}: {said:?}");
                }
            }
        }
        assert!(lost > 20, "{lost}");
        fs::write(log_of(&path), &sound).unwrap();
        assert_eq!(rows(&path), 40);
    }

    #[test]
    fn a_transaction_that_was_not_finished_is_no_damage() {
        let (_dir, path) = logged(10, false);
        let sound = fs::read(log_of(&path)).unwrap();
        fs::write(log_of(&path), &sound[..sound.len() - 100]).unwrap();
        assert!(matches!(Log::read(&log_of(&path)).unwrap(), Log::Whole { .. }));
    }
}
