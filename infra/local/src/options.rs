//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use shared::models::account::Email;
use url::Url;

/// placet-serverless on this machine, storage included.
#[derive(Debug, Parser)]
#[command(name = "placet-local", version)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Port to listen on
    #[arg(long, default_value_t = 3001)]
    pub port: u16,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Origin of people's pages behind a reverse proxy, as https://inbox.example.com
    #[arg(long, value_name = "URL", value_parser = inbox_url)]
    pub inbox_url: Option<Url>,

    /// Host name at which agents call, beside localhost and IP addresses; may be repeated
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,

    /// Directory that keeps messages, files and accounts [default: $XDG_DATA_HOME/placet or
    /// ~/.local/share/placet; on macOS ~/Library/Application Support/placet]
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,

    /// Keep everything in a temporary directory that is removed at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// Start although parts of the data directory are missing or of another installation
    #[arg(long, global = true)]
    pub accept_data_loss: bool,

    /// Print one JSON line instead of a text
    #[arg(long, global = true)]
    pub json: bool,

    /// Let webhooks and plugins call this machine's own loopback addresses: for development and tests
    #[arg(long)]
    pub allow_loopback_webhooks: bool,

    /// Log every request, not only trouble
    #[arg(long, short)]
    pub verbose: bool,
}

/// An origin: scheme and host, maybe a port, and nothing else.
fn inbox_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    let is_origin = url.has_host() && url.as_str() == format!("{}/", url.origin().ascii_serialization());
    match is_origin && matches!(url.scheme(), "http" | "https") {
        true => Ok(url),
        false => Err("it has to be http or https, a host and maybe a port, as https://inbox.example.com"),
    }
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Set a new password for somebody who forgot theirs, and print it; stop the runner first
    ResetPassword {
        /// Whose; the first owner's unless given
        #[arg(long, value_parser = address)]
        email: Option<Email>,
    },
}

fn address(text: &str) -> Result<Email, &'static str> {
    Email::checked(text).ok_or("this is no e-mail address")
}
