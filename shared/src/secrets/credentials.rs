//! API keys and session tokens.
//!
//! An API key is `hp_`, 43 random characters (256 bits), then its user's ULID; a session token is the
//! same behind `hs_`, a ticket for a socket behind `ht_`. A key that reaches one agent ends with that agent's ULID
//! as well. The user at the end allows lists to be read concurrently with the check of the
//! credential. The random part comes first, so that the displayed prefix distinguishes keys. The user
//! that a credential claims counts only once its stored hash matches.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use ulid::ULID_LEN;

use crate::ids::{AgentId, UserId, parse_ulid};
use crate::secrets::Password;
use crate::{hex, random};

const API_KEY: &str = "hp_";
const SESSION: &str = "hs_";
const TICKET: &str = "ht_";
const RANDOM_LEN: usize = 43;

/// The SHA-256 of a credential, in hexadecimal: the only form that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of a whole key or token.
    pub fn of(secret: &str) -> Self {
        Self(hex::encode(&Sha256::digest(secret.as_bytes())))
    }

    /// A hash as it was read from the table.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new key, token or password in plain text. Its `Debug` shows nothing.
pub struct PlainSecret(String);

impl PlainSecret {
    /// A new API key of this user, which may reach one agent only.
    pub fn api_key(user: UserId, agent: Option<AgentId>) -> Self {
        let Self(key) = Self::make(API_KEY, user);
        Self(key + &agent.map(|agent| agent.ulid().to_string()).unwrap_or_default())
    }

    /// A new session token of this user.
    pub fn session(user: UserId) -> Self {
        Self::make(SESSION, user)
    }

    /// A new ticket of this user for a socket.
    pub fn ticket(user: UserId) -> Self {
        Self::make(TICKET, user)
    }

    /// A password for a user's first login: 96 random bits.
    pub fn temporary_password() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::bytes::<12>()))
    }

    /// The same, as a password that a person types.
    pub fn as_password(&self) -> Password {
        Password::new(self.0.clone())
    }

    fn make(prefix: &str, user: UserId) -> Self {
        let random = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        Self(format!("{prefix}{random}{}", user.ulid()))
    }

    /// The hash that is stored.
    pub fn hashed(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// The first 11 characters, kept to tell keys apart on a page.
    pub fn display_prefix(&self) -> String {
        shown_part(&self.0)
    }

    /// The plain text, for the one response that shows it.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A credential in a request: its hash, and the user that it claims.
#[derive(Clone, Debug)]
pub struct Credential {
    pub hashed: SecretHash,
    pub claimed: UserId,
    /// The one agent that an API key claims to reach; all of its user's if none.
    pub agent: Option<AgentId>,
    /// What pages show of it.
    pub prefix: String,
}

impl Credential {
    /// Reads an API key; `None` if the text cannot be one.
    pub fn api_key(text: &str) -> Option<Self> {
        Self::parse(API_KEY, text)
    }

    /// Reads a session token; `None` if the text cannot be one.
    pub fn session(text: &str) -> Option<Self> {
        Self::parse(SESSION, text)
    }

    /// Reads a ticket; `None` if the text cannot be one.
    pub fn ticket(text: &str) -> Option<Self> {
        Self::parse(TICKET, text)
    }

    fn parse(prefix: &str, text: &str) -> Option<Self> {
        let (random, named) = text.strip_prefix(prefix)?.split_at_checked(RANDOM_LEN)?;
        let url_safe = random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let (user, agent) = named.split_at_checked(ULID_LEN)?;
        let claimed = UserId::from_ulid(parse_ulid(user).ok()?);
        let agent = match agent {
            "" => None,
            agent if prefix == API_KEY => Some(AgentId::from_ulid(parse_ulid(agent).ok()?)),
            _ => return None,
        };
        url_safe.then(|| Self { hashed: SecretHash::of(text), claimed, agent, prefix: shown_part(text) })
    }
}

fn shown_part(secret: &str) -> String {
    secret.chars().take(11).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_key_is_long_enough_and_names_its_user() {
        let user = UserId::new(Timestamp::from_millis(1));
        let key = PlainSecret::api_key(user, None);
        let (hash, prefix, text) = (key.hashed(), key.display_prefix(), key.reveal());
        assert!(text.starts_with("hp_") && text.len() >= 3 + 32);
        assert_eq!((prefix.len(), text.starts_with(&prefix)), (11, true));
        let presented = Credential::api_key(&text);
        assert_eq!(presented.as_ref().map(|p| p.claimed), Some(user));
        assert_eq!(presented.map(|p| p.hashed), Some(hash));
        assert!(Credential::session(&text).is_none());
    }

    #[test]
    fn a_key_of_one_agent_names_it() {
        let (user, agent) = (UserId::new(Timestamp::from_millis(1)), AgentId::new(Timestamp::from_millis(2)));
        let text = PlainSecret::api_key(user, Some(agent)).reveal();
        let presented = Credential::api_key(&text);
        assert_eq!(presented.map(|it| (it.claimed, it.agent)), Some((user, Some(agent))));
        assert!(Credential::api_key(&text[..text.len() - 1]).is_none());
        let session = format!("{}{}", PlainSecret::session(user).reveal(), agent.ulid());
        assert!(Credential::session(&session).is_none());
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let user = UserId::new(Timestamp::from_millis(1));
        assert_eq!(format!("{:?}", PlainSecret::session(user)), "***");
    }
}
