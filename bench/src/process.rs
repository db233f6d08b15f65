//! The memory and processor time of a process, from `/proc`.

use std::fs;
use std::time::Duration;

/// How many ticks of `/proc/<pid>/stat` are one second, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory of a process in KiB: `VmRSS` is resident now, `VmHWM` its peak.
pub fn memory(process: u32, which: &str) -> u64 {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or_else(|| panic!("{path} has no {which}"))
}

/// The processor time of a process since its start, of all its threads.
pub fn processor_time(process: u32) -> Duration {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).unwrap_or_else(|err| panic!("{path}: {err}"));
    // Behind the name, which is in parentheses, the state is the first field; user and system time are the 12th and 13th.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    let ticks: f64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number of ticks")).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}
