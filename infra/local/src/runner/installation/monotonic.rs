//! What the wall clock is compared with: a clock that cannot be set, and the time of the last write before this start.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use shared::clock::Timestamp;

use crate::engines::DATABASE;
use crate::runner::data_dir::DataDir;

/// The time since the machine started, with the time that it slept.
pub fn now() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    // On macOS this one goes on while the machine sleeps.
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let time = clock_gettime(CLOCK);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// When the database was last written: no id of earlier starts is later, unless the clock was behind.
pub fn last_write(dir: &DataDir) -> Timestamp {
    let files = [DATABASE.to_owned(), format!("{DATABASE}-wal")];
    let modified = files.iter().filter_map(|name| dir.path().join(name).metadata().ok()?.modified().ok()).max();
    let since_epoch = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp::from_millis(0).plus(since_epoch)
}
