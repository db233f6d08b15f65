//! Where a person is signed in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::models::SourceAddress;
use crate::models::user_agent::browser_and_system;

/// The most characters of a device's name that no browser's is.
const MAX_NAME: usize = 40;

/// A browser or program in which a person is signed in
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Stays the same when the session is refreshed
    #[schema(example = "ses_01KB0000000000000000000000")]
    pub id: String,
    /// It is the session of this call
    pub current: bool,
    /// The browser and system as they name themselves; null if they do not, and for sessions from before they were stored
    #[schema(example = "Firefox on Linux")]
    pub device: Option<String>,
    /// The network address of the last sign-in or refresh, where it is known
    #[schema(example = "192.0.2.1")]
    pub address: Option<String>,
    /// When the password was typed; null for sessions from before it was stored
    pub signed_in_at: Option<Timestamp>,
    pub refreshed_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

/// Who signs in or refreshes a session, as far as it shows in the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Its network address, from a source that cannot be forged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Client {
    /// A client with this `User-Agent` at this address.
    pub fn new(user_agent: Option<&str>, source: Option<SourceAddress>) -> Self {
        Self { device: user_agent.and_then(device), address: source.map(|source| source.0.to_canonical().to_string()) }
    }
}

/// The browser and the system that a `User-Agent` names.
fn device(user_agent: &str) -> Option<String> {
    match browser_and_system(user_agent) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => {
            let name: String = user_agent.split_whitespace().next()?.chars().take(MAX_NAME).collect();
            Some(name).filter(|name| !name.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_are_named_and_programs_by_their_first_word() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0", Some("Firefox on Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
                Some("Safari on iPhone"),
            ),
            ("curl/8.5.0", Some("curl/8.5.0")),
            ("", None),
        ] {
            assert_eq!(device(user_agent).as_deref(), name, "{user_agent}");
        }
        assert_eq!(device(&"x".repeat(9_000)).map(|it| it.len()), Some(MAX_NAME));
    }
}
