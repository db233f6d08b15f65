//! After a whole run of the tests: is there a permission that no function used?

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a tool of the tests")]

use std::collections::BTreeSet;
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).expect("the file that PLACET_TEST_NEEDS named");
    let seen = std::fs::read_to_string(path).expect("the file can be read");
    let seen: BTreeSet<&str> = seen.lines().collect();
    let listed: BTreeSet<String> = test_support::functions::all()
        .flat_map(|function| function.needs.iter().map(move |need| format!("{}: {need}", function.name)))
        .collect();
    let unused: Vec<_> = listed.iter().filter(|line| !seen.contains(line.as_str())).collect();
    let unlisted: Vec<_> = seen.iter().filter(|line| !listed.contains(**line)).collect();
    unused.iter().for_each(|line| println!("in PERMISSIONS, and never needed: {line}"));
    unlisted.iter().for_each(|line| println!("needed, and not in PERMISSIONS: {line}"));
    if unused.is_empty() && unlisted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
