//! After a whole run of the tests: reports permissions that no function used, and unlisted ones.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a tool of the tests")]

use std::collections::BTreeSet;
use std::process::ExitCode;

fn main() -> ExitCode {
    let path = std::env::args().nth(1).expect("the path of the file that PLACET_TEST_PERMISSIONS named");
    let used = std::fs::read_to_string(path).expect("the file can be read");
    let used: BTreeSet<&str> = used.lines().collect();
    let listed: BTreeSet<String> = test_support::functions::all()
        .flat_map(|function| {
            function.permissions.iter().map(move |permission| format!("{}: {permission}", function.name))
        })
        .collect();
    let unused: Vec<_> = listed.iter().filter(|line| !used.contains(line.as_str())).collect();
    let unlisted: Vec<_> = used.iter().filter(|line| !listed.contains(**line)).collect();
    unused.iter().for_each(|line| println!("listed but never used: {line}"));
    unlisted.iter().for_each(|line| println!("used but not listed: {line}"));
    if unused.is_empty() && unlisted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
