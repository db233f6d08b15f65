//! `placet`: asks people from scripts, CI jobs and coding agents.
//!
//! - `options`: the command line; `settings`: the URL, key and channel; `login`: keeping them
//! - `api`: calls of the service
//! - `ask`: `ask` and `wait`; `send`: `send` and `upload`
//! - `hook`: hooks of coding agents; `bridge`: MCP on standard input and output
//! - `exit`: how the program ends
//!
//! The exit code is the answer: 0 allowed, 1 denied, 2 expired or cancelled, 3 trouble. A hook ends with 0 or 2 only,
//! also when it is called wrongly or has a bug: 2 is the one code on which the programs that run hooks block.

mod api;
mod ask;
mod bridge;
mod exit;
mod hook;
mod login;
mod options;
mod send;
mod settings;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use exit::{Ended, Trouble};
use options::{Command, Options};

fn main() -> ExitCode {
    let is_hook = std::env::args_os().nth(1).is_some_and(|command| command == "hook");
    exit::end_panics_as_trouble(is_hook);
    let ended = match Options::try_parse() {
        Ok(options) => run(options.command),
        Err(error) if error.use_stderr() => Err(Trouble::new(error.render().to_string())),
        Err(help) => exit::print(&help.render().to_string()).map(|()| Ended::Done),
    };
    exit::code(ended, is_hook)
}

fn run(command: Command) -> Result<Ended, Trouble> {
    match command {
        Command::Hook(options) => hook::run(&options),
        Command::Ask(options) => ask::ask(&options),
        Command::Wait(options) => ask::wait(&options),
        Command::Send(options) => send::send(&options),
        Command::Upload(options) => send::upload(&options),
        Command::Mcp => bridge::run(),
        Command::Login(options) => login::login(&options),
        Command::Completions { shell } => {
            let mut script = vec![];
            clap_complete::generate(shell, &mut Options::command(), "placet", &mut script);
            exit::print(String::from_utf8_lossy(&script).trim_end()).map(|()| Ended::Done)
        }
    }
}
