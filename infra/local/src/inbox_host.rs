//! The host of people's pages: a name that no agent knows. Browsers resolve every name below
//! `localhost` to this machine, and send the session's cookie to that name alone.

use std::net::IpAddr;

use shared::secrets::{hex, random};
use shared::site::{Hosts, Site};
use url::Url;

use crate::data_dir::DataDir;
use crate::options::Options;
use crate::{StartError, peer};

const FILE: &str = "inbox-host";

/// The hosts of a runner that agents reach at `api_url`, on `port`; and its inbox's URL.
pub fn site(options: &Options, dir: &DataDir, api_url: &str, port: u16) -> Result<(Site, String), StartError> {
    let (inbox, confidant) = match &options.inbox_url {
        Some(url) => (url.clone(), None),
        None => (own_url(&kept_name(dir)?, port)?, Some(peer::is_same_user as fn(&_) -> bool)),
    };
    let shown = inbox.origin().ascii_serialization();
    let names = options.allow_host.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
    let any_address = !is_loopback(options.host);
    Ok((Site::of(Hosts { inbox, confidant, api_url: api_url.to_owned(), any_address, names }), shown))
}

fn is_loopback(host: IpAddr) -> bool {
    host.to_canonical().is_loopback()
}

fn own_url(name: &str, port: u16) -> Result<Url, StartError> {
    Url::parse(&format!("http://{name}:{port}")).map_err(|err| StartError::told(format!("{name} is no host: {err}.")))
}

/// The name in the data directory, made at the first start.
fn kept_name(dir: &DataDir) -> Result<String, StartError> {
    let Some(text) = dir.read(FILE)? else {
        let name = format!("placet-{}.localhost", hex(&random::<16>()));
        dir.write(FILE, &name)?;
        return Ok(name);
    };
    let name = text.trim();
    let random = name.strip_prefix("placet-").and_then(|it| it.strip_suffix(".localhost"));
    match random
        .is_some_and(|it| it.len() >= 16 && it.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()))
    {
        true => Ok(name.to_owned()),
        false => Err(StartError::told(format!(
            "The host name in {} is not one that placet-local makes: remove the file to have a new one made.",
            dir.path().join(FILE).display()
        ))),
    }
}
