//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Asks people, from scripts, CI jobs and coding agents.
///
/// PLACET_URL, PLACET_API_KEY and PLACET_CHANNEL say where to ask and as whom; `placet login` keeps them.
/// Exit codes of ask and wait: 0 allowed, 1 denied, 2 expired or cancelled, 3 trouble.
#[derive(Parser)]
#[command(name = "placet", version)]
pub struct Options {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// A hook of a coding agent: its JSON on standard input, the decision on standard output; ends with 0 or 2
    Hook(Hook),
    /// Ask for an approval, wait for the answer and consume it: it allows one run
    Ask(Ask),
    /// Wait for the answer to a review; of an act, consume the approval as ask does
    Wait(Wait),
    /// Send a message that needs no answer
    Send(Send),
    /// Upload a file, and print its id
    Upload(Upload),
    /// Serve MCP on standard input and output, for clients that speak nothing else
    Mcp,
    /// Keep the service's URL and an API key, which is read from standard input
    Login(Login),
    /// Print the completions of a shell
    Completions { shell: Shell },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Program {
    ClaudeCode,
    Codex,
}

#[derive(Args)]
pub struct Hook {
    pub program: Program,
    /// The hook's own time-out in seconds, as the program's settings have it; the command ends 2 to 5 s before
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(6..=86_400))]
    pub timeout: u64,
    /// Without an answer in time, defer the call instead of blocking it (PreToolUse, claude -p)
    #[arg(long)]
    pub defer: bool,
}

#[derive(Args)]
pub struct Ask {
    /// The question, in Markdown
    pub text: String,
    /// What will be done, such as the name of a job
    #[arg(long, default_value = "placet ask")]
    pub action: String,
    /// Its arguments, a JSON object; the text if absent
    #[arg(long)]
    pub args: Option<String>,
    /// How risky it is
    #[arg(long, value_parser = ["low", "medium", "high"])]
    pub risk: Option<String>,
    /// Seconds until the question expires; a day if absent
    #[arg(long)]
    pub expires: Option<u64>,
    /// Makes the call safe to repeat: the same id asks once, and its approval allows one run
    #[arg(long)]
    pub client_id: Option<String>,
    /// Print the question's id instead of waiting
    #[arg(long)]
    pub no_wait: bool,
    /// Only look at the answer: its approval stays for the program that consumes it, and a repeat ends with 0 again
    #[arg(long)]
    pub no_consume: bool,
    /// Seconds to wait at most; until the question ends if absent
    #[arg(long)]
    pub timeout: Option<u64>,
}

#[derive(Args)]
pub struct Wait {
    /// The message's id
    pub id: String,
    /// Only look at the answer: its approval stays for the program that consumes it, and a repeat ends with 0 again
    #[arg(long)]
    pub no_consume: bool,
    /// Seconds to wait at most; until the question ends if absent
    #[arg(long)]
    pub timeout: Option<u64>,
}

#[derive(Args)]
pub struct Send {
    /// The message, in Markdown
    pub text: String,
    #[arg(long, value_parser = ["info", "success", "warning", "error"])]
    pub status: Option<String>,
    /// A file to attach; may be repeated
    #[arg(long)]
    pub file: Vec<PathBuf>,
    /// Makes the call safe to repeat: the same id sends once
    #[arg(long)]
    pub client_id: Option<String>,
}

#[derive(Args)]
pub struct Upload {
    pub file: PathBuf,
    /// Its media type; that of its name if absent
    #[arg(long)]
    pub mime_type: Option<String>,
}

#[derive(Args)]
pub struct Login {
    /// The service's URL, such as <https://inbox.example.com>
    pub url: String,
    /// The channel's id; needed if the key reaches several
    #[arg(long)]
    pub channel: Option<String>,
}
