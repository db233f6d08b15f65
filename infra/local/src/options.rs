//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;

/// placet-serverless on this machine, storage included.
#[derive(Debug, Parser)]
#[command(name = "placet-local", version)]
pub struct Options {
    /// Port to listen on
    #[arg(long, default_value_t = 3001)]
    pub port: u16,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Directory that keeps messages, files and accounts
    #[arg(long, default_value = ".placet")]
    pub data_dir: PathBuf,

    /// Keep everything in a temporary directory that is removed at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub ephemeral: bool,

    /// Print the URL and credentials as one JSON line instead of a text
    #[arg(long)]
    pub json: bool,

    /// Let webhooks and plugins call this machine's own loopback addresses: for development and tests
    #[arg(long)]
    pub allow_loopback_webhooks: bool,

    /// Log every request, not only trouble
    #[arg(long, short)]
    pub verbose: bool,
}
