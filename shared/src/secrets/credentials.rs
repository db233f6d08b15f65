//! Secrets are types: a plain one is shown once and can't be stored or logged by accident.
//!
//! An API key is `hp_`, 43 random characters (256 bits), then its user's ULID; a session token
//! the same behind `hs_`. The user at the end lets "all of mine" lists be read beside the check
//! of the key instead of after it; the random part comes first so that a key's display prefix
//! tells keys apart. What a key claims of its user counts only once its stored hash agrees.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::ids::{UserId, parse_ulid};
use crate::secrets::Password;
use crate::{hex, random};

const API_KEY: &str = "hp_";
const SESSION: &str = "hs_";
const RANDOM_LEN: usize = 43;

/// The SHA-256 of a credential, in hex: all that is ever stored of one.
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

/// A freshly made key, token or password, whole. Its `Debug` says nothing.
pub struct PlainSecret(String);

impl PlainSecret {
    /// A new API key of this user.
    pub fn api_key(user: UserId) -> Self {
        Self::make(API_KEY, user)
    }

    /// A new session token of this user.
    pub fn session(user: UserId) -> Self {
        Self::make(SESSION, user)
    }

    /// A password for somebody's first sign-in: 96 bits.
    pub fn temporary_password() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random::bytes::<12>()))
    }

    /// The same as what a person will type.
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
        self.0.chars().take(11).collect()
    }

    /// The one place where the secret leaves: the answer that shows it once.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A credential somebody presented: its hash, and the user it claims to be of.
#[derive(Clone, Debug)]
pub struct Credential {
    pub hashed: SecretHash,
    pub claimed: UserId,
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

    fn parse(prefix: &str, text: &str) -> Option<Self> {
        let (random, user) = text.strip_prefix(prefix)?.split_at_checked(RANDOM_LEN)?;
        let url_safe = random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let claimed = UserId::from_ulid(parse_ulid(user).ok()?);
        url_safe.then(|| Self { hashed: SecretHash::of(text), claimed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_key_is_long_enough_and_names_its_user() {
        let user = UserId::new(Timestamp::from_millis(1));
        let key = PlainSecret::api_key(user);
        let (hash, prefix, text) = (key.hashed(), key.display_prefix(), key.reveal());
        assert!(text.starts_with("hp_") && text.len() >= 3 + 32);
        assert_eq!((prefix.len(), text.starts_with(&prefix)), (11, true));
        let presented = Credential::api_key(&text);
        assert_eq!(presented.as_ref().map(|p| p.claimed), Some(user));
        assert_eq!(presented.map(|p| p.hashed), Some(hash));
        assert!(Credential::session(&text).is_none());
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let user = UserId::new(Timestamp::from_millis(1));
        assert_eq!(format!("{:?}", PlainSecret::session(user)), "***");
    }
}
