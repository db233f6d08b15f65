//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use url::Url;

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

    /// Origin of people's pages behind a reverse proxy, as https://inbox.example.com
    #[arg(long, value_name = "URL", value_parser = inbox_url)]
    pub inbox_url: Option<Url>,

    /// Host name at which agents call, beside localhost and IP addresses; may be repeated
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,

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

/// An origin: scheme and host, maybe a port, and nothing else.
fn inbox_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    let is_origin = url.has_host() && url.as_str() == format!("{}/", url.origin().ascii_serialization());
    match is_origin && matches!(url.scheme(), "http" | "https") {
        true => Ok(url),
        false => Err("it has to be http or https, a host and maybe a port, as https://inbox.example.com"),
    }
}
