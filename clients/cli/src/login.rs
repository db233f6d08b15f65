//! `placet login`

use std::io::{Read, stdin};

use crate::api::Api;
use crate::exit::{Ended, Trouble, print};
use crate::options::Login;
use crate::settings::{Kept, Settings, checked, keyring, store};

const MAX_KEY: u64 = 1024;

/// `placet login`: verifies the key before anything is kept.
pub fn login(options: &Login) -> Result<Ended, Trouble> {
    let url = checked(&options.url)?;
    let mut key = String::new();
    stdin().take(MAX_KEY).read_to_string(&mut key).map_err(|_| Trouble::new("The key could not be read."))?;
    let key = key.trim().to_owned();
    if key.is_empty() {
        return Err(Trouble::new("Write the API key to standard input."));
    }
    let settings = Settings { url: url.clone(), key: key.clone(), channel: options.channel.clone() };
    Api::new(settings).get("/api/v1/agents", &[])?;
    let in_keyring = keyring::store(url.as_str(), &key);
    let key = (!in_keyring).then_some(key);
    store(&Kept { url: url.to_string(), channel: options.channel.clone(), key })?;
    let place = if in_keyring { "the platform's keyring" } else { "a file that only you can read" };
    print(&format!("Signed in at {url}; the key is kept in {place}."))?;
    Ok(Ended::Done)
}
