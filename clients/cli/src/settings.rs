//! Where to ask and as whom: from the environment, else from what `placet login` keeps.

use std::env;
use std::fs;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::exit::Trouble;

/// What `placet login` keeps in its file. The key is in the platform's keyring where there is one.
#[derive(Default, Deserialize, Serialize)]
pub struct Kept {
    pub url: String,
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Where to ask, and as whom.
pub struct Settings {
    pub url: Url,
    pub key: String,
    pub channel: Option<String>,
}

impl Settings {
    pub fn load() -> Result<Self, Trouble> {
        let [url, key, channel] = ["PLACET_URL", "PLACET_API_KEY", "PLACET_CHANNEL"].map(variable);
        let kept = if url.is_some() && key.is_some() { None } else { load()? };
        let missing = || Trouble::new("Set PLACET_URL and PLACET_API_KEY, or run placet login.");
        let url = checked(&url.or_else(|| kept.as_ref().map(|kept| kept.url.clone())).ok_or_else(missing)?)?;
        // A key is sent only to the service that it was kept for.
        let kept = kept.filter(|kept| checked(&kept.url).is_ok_and(|of| of == url));
        let channel = channel.or_else(|| kept.as_ref().and_then(|kept| kept.channel.clone()));
        let key = match (key, kept) {
            (Some(key), _) => key,
            (None, Some(Kept { key: Some(key), .. })) => key,
            (None, Some(_)) => keyring::load(url.as_str()).ok_or_else(missing)?,
            (None, None) => return Err(missing()),
        };
        Ok(Self { url, key, channel })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A URL that the program can call.
pub fn checked(text: &str) -> Result<Url, Trouble> {
    let url = Url::parse(text.trim_end_matches('/')).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    url.ok_or_else(|| Trouble::new(format!("{text} is not an http or https URL.")))
}

fn file() -> Result<PathBuf, Trouble> {
    let base = etcetera::choose_base_strategy().map_err(|_| Trouble::new("There is no home directory."))?;
    Ok(base.config_dir().join("placet").join("login.json"))
}

fn load() -> Result<Option<Kept>, Trouble> {
    let path = file()?;
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).map(|metadata| metadata.permissions().mode()).unwrap_or(0o777);
        if mode & 0o077 != 0 {
            return Err(Trouble::new(format!("{} can be read by others: run chmod 600 on it.", path.display())));
        }
    }
    let broken = |_| Trouble::new(format!("{} is damaged: run placet login again.", path.display()));
    serde_json::from_str(&text).map(Some).map_err(broken)
}

/// Writes the file next to the old one, which it then replaces.
pub fn store(kept: &Kept) -> Result<(), Trouble> {
    use std::io::Write;
    let path = file()?;
    let written = || -> std::io::Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&new)?.write_all(serde_json::to_string(kept)?.as_bytes())?;
        fs::rename(&new, &path)
    };
    written().map_err(|error| Trouble::new(format!("{} cannot be written: {error}.", path.display())))
}

/// The platform's keyring.
#[cfg(any(target_os = "macos", windows))]
pub mod keyring {
    pub fn load(url: &str) -> Option<String> {
        keyring::Entry::new("placet", url).and_then(|entry| entry.get_password()).ok()
    }

    pub fn store(url: &str, key: &str) -> bool {
        keyring::Entry::new("placet", url).and_then(|entry| entry.set_password(key)).is_ok()
    }
}

/// A static program reaches no keyring here: the key is kept in a file of mode 0600.
#[cfg(not(any(target_os = "macos", windows)))]
pub mod keyring {
    pub fn load(_: &str) -> Option<String> {
        None
    }

    pub fn store(_: &str, _: &str) -> bool {
        false
    }
}
