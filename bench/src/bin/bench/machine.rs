//! The machine that the figures were measured on.

use std::process::Command;

use placet_bench::figures::Machine;
use placet_bench::process;

pub fn describe() -> Machine {
    Machine {
        processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_gb: field("/proc/meminfo", "MemTotal").as_deref().and_then(kilobytes).unwrap_or_default() / 1e6,
        date: output_of("date", &["+%Y-%m-%d"]),
        commit: output_of("git", &["rev-parse", "--short", "HEAD"]),
    }
}

/// Memory of a process in MB: `VmRSS` is resident now, `VmHWM` its peak.
pub fn memory(process: u32, which: &str) -> f64 {
    process::memory(process, which) as f64 / 1000.0
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split(':').nth(1)?.trim().to_owned())
}

fn kilobytes(text: &str) -> Option<f64> {
    text.split(' ').next()?.parse().ok()
}

fn output_of(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
}
