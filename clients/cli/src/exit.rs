//! How the program ends.

use std::io::{Write, stderr, stdout};
use std::process::{ExitCode, exit};

/// How a command ended that had no trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The command did what it was to do, or a person allowed it.
    Done,
    Denied,
    ExpiredOrCancelled,
}

/// Why a command has no answer, in one sentence.
#[derive(Debug)]
pub struct Trouble(pub String);

impl Trouble {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

const TROUBLE: u8 = 3;
/// What the programs that run hooks block on.
pub const BLOCKED: u8 = 2;

/// The exit code; the reason of trouble goes to standard error.
pub fn code(ended: Result<Ended, Trouble>, is_hook: bool) -> ExitCode {
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(_) if is_hook => ExitCode::from(BLOCKED),
        Ok(Ended::Denied) => ExitCode::from(1),
        Ok(Ended::ExpiredOrCancelled) => ExitCode::from(2),
        Err(Trouble(sentence)) => {
            explain(&sentence);
            ExitCode::from(if is_hook { BLOCKED } else { TROUBLE })
        }
    }
}

/// Writes the reason of trouble. Nobody may be reading; the code says enough.
pub fn explain(sentence: &str) {
    let _ = writeln!(stderr(), "placet: {}", sentence.trim_end());
}

/// A bug ends the program as trouble does.
pub fn end_panics_as_trouble(is_hook: bool) {
    std::panic::set_hook(Box::new(move |panic| {
        let _ = writeln!(stderr(), "placet: {panic}");
        exit(i32::from(if is_hook { BLOCKED } else { TROUBLE }))
    }));
}

/// Prints a line, which counts only once it is written.
pub fn print(line: &str) -> Result<(), Trouble> {
    let mut out = stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| Trouble::new(format!("Standard output cannot be written: {error}.")))
}
