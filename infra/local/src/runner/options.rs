//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use shared::models::account::Email;
use url::Url;

/// Runs placet-serverless on this machine, including its storage.
#[derive(Debug, Parser)]
#[command(name = "placet-local", version)]
pub struct Options {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Port to listen on
    #[arg(long, default_value_t = 3001)]
    pub port: u16,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Origin of people's pages behind a reverse proxy, such as `https://inbox.example.com`
    #[arg(long, value_name = "URL", value_parser = inbox_url)]
    pub inbox_url: Option<Url>,

    /// Additional host name under which agents call the API; may be repeated
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,

    /// Directory for messages, files and accounts [default: $XDG_DATA_HOME/placet or
    /// ~/.local/share/placet; on macOS ~/Library/Application Support/placet]
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,

    /// Keep all data in a temporary directory that is deleted at shutdown
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// Start although parts of the data directory are missing or belong to another installation
    #[arg(long, global = true)]
    pub accept_data_loss: bool,

    /// Print one line of JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,

    /// Allow webhooks and plugins to call loopback addresses of this machine, for development and tests
    #[arg(long)]
    pub allow_loopback_webhooks: bool,

    /// Directory with plugins of your own, one in each subdirectory: plugin.json, render.html and maybe an icon
    #[arg(long, value_name = "DIRECTORY")]
    pub plugins: Option<PathBuf>,

    /// SMTP server for e-mails to people, such as `smtps://user:password@mail.example.com`; the variable PLACET_SMTP does
    /// the same, and keeps the password out of the list of processes
    #[arg(long, value_name = "URL")]
    pub smtp: Option<String>,

    /// Address that e-mails are sent from
    #[arg(long, value_name = "ADDRESS", default_value = "Placet <placet@localhost>")]
    pub mail_from: String,

    /// Log every request, not only warnings and errors
    #[arg(long, short)]
    pub verbose: bool,
}

/// Parses an origin: a scheme, a host and optionally a port.
fn inbox_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "not a URL")?;
    let is_origin = url.has_host() && url.as_str() == format!("{}/", url.origin().ascii_serialization());
    match is_origin && matches!(url.scheme(), "http" | "https") {
        true => Ok(url),
        false => Err("expected http or https, a host and optionally a port, such as https://inbox.example.com"),
    }
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Set a new password for an account and print it; the runner must be stopped
    ResetPassword {
        /// Address of the account [default: the first owner's]
        #[arg(long, value_parser = address)]
        email: Option<Email>,
    },
    /// Check the plugins in a directory as a start or a deployment does
    CheckPlugins {
        /// The directory
        directory: PathBuf,
    },
    /// Copy everything into a folder; the runner must be stopped
    Export {
        /// The folder
        folder: PathBuf,
    },
    /// Copy everything from a folder into a new data directory
    Import {
        /// The folder of an export
        folder: PathBuf,
    },
}

fn address(text: &str) -> Result<Email, &'static str> {
    Email::checked(text).ok_or("not an e-mail address")
}
