//! The deployment's own secrets. Keys derived from them sign share links, device cookies, receipts and calls of push
//! services, and encrypt plugin settings. The current secret signs and encrypts. What a previous one signed or encrypted
//! is accepted as long as it is listed.

use std::fmt;
use std::sync::Arc;

use action::receipt::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::hex;
use crate::secrets::{Encrypted, VapidKey};

/// The minimum length, in characters.
pub const MIN_LENGTH: usize = 32;

/// The deployment's secret, hashed. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct ServerSecret([u8; 32]);

/// The secrets of a deployment, the current one first. A function that uses none has an empty list: then
/// nothing is signed, and no signature is accepted.
#[derive(Clone, Debug, Default)]
pub struct ServerSecrets(Arc<[ServerSecret]>);

impl ServerSecrets {
    /// The current secret and those that it replaced.
    pub fn new(current: ServerSecret, previous: impl IntoIterator<Item = ServerSecret>) -> Self {
        Self(std::iter::once(current).chain(previous).collect())
    }

    /// A list of secrets, separated by commas or white space. `None` when one of them is too short, or there is none.
    pub fn parse(list: &str) -> Option<Self> {
        let texts = list.split([',', ' ', '\n']).filter(|text| !text.is_empty());
        let secrets = texts.map(ServerSecret::new).collect::<Option<Arc<[_]>>>()?;
        (!secrets.is_empty()).then_some(Self(secrets))
    }

    /// The secret that signs and encrypts.
    pub fn current(&self) -> Result<&ServerSecret, Error> {
        self.0.first().ok_or_else(|| Error::internal("this function has no secret"))
    }

    /// All secrets, the current one first.
    pub fn iter(&self) -> std::slice::Iter<'_, ServerSecret> {
        self.0.iter()
    }

    /// The key for push services with this public part; `None` once the secret that it is derived from is not listed
    /// any more.
    pub fn vapid_key(&self, public: &str) -> Result<Option<VapidKey>, Error> {
        for secret in self.iter() {
            let key = secret.vapid_key()?;
            if key.public() == public {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whether `signature` is that of [`ServerSecret::sign`] with one of the secrets.
    pub fn verify(&self, purpose: Purpose, text: &[u8], signature: &[u8]) -> bool {
        self.iter().any(|secret| secret.verify(purpose, text, signature))
    }

    /// The text that one of the secrets encrypted for this place; `None` if none of them did.
    pub fn decrypt(&self, purpose: Purpose, encrypted: &Encrypted, place: &str) -> Option<String> {
        self.iter().find_map(|secret| encrypted.decrypt(&secret.key(purpose), place))
    }
}

impl From<ServerSecret> for ServerSecrets {
    fn from(current: ServerSecret) -> Self {
        Self::new(current, [])
    }
}

/// What a derived key is for. Keys of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    ShareLinks,
    PluginSettings,
    AgentManagement,
    DeviceCookies,
    Receipts,
    Vapid,
    MailLinks,
    Unsubscribing,
    /// Identifies the secret without revealing it.
    Fingerprint,
}

impl ServerSecret {
    /// `None` when the text is too short to be one.
    pub fn new(text: &str) -> Option<Self> {
        (text.chars().count() >= MIN_LENGTH).then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// The key for one purpose.
    pub fn key(&self, purpose: Purpose) -> [u8; 32] {
        let label = match purpose {
            Purpose::ShareLinks => "share-links",
            Purpose::PluginSettings => "plugin-settings",
            Purpose::AgentManagement => "agent-management",
            Purpose::DeviceCookies => "device-cookies",
            Purpose::Receipts => "receipts",
            Purpose::Vapid => "vapid",
            Purpose::MailLinks => "mail-links",
            Purpose::Unsubscribing => "unsubscribing",
            Purpose::Fingerprint => "fingerprint",
        };
        mac(&self.0, label.as_bytes())
    }

    /// The key that signs the receipts of decisions. The same secret gives the same key.
    pub fn receipt_key(&self) -> Result<SigningKey, Error> {
        let key = SigningKey::from_seed(&self.key(Purpose::Receipts));
        key.ok_or_else(|| Error::internal("no signing key can be derived from the secret"))
    }

    /// The key that identifies the deployment to push services. The same secret gives the same key.
    pub fn vapid_key(&self) -> Result<VapidKey, Error> {
        let seeds = (0..u8::MAX).map(|attempt| self.sign(Purpose::Vapid, &[attempt]));
        let key = seeds.into_iter().find_map(|seed| VapidKey::from_seed(&seed));
        key.ok_or_else(|| Error::internal("no key for push services can be derived from the secret"))
    }

    /// A text that identifies the secret without revealing it.
    pub fn fingerprint(&self) -> String {
        hex::encode(&self.key(Purpose::Fingerprint))
    }

    /// An HMAC-SHA256 under the key for one purpose.
    pub fn sign(&self, purpose: Purpose, text: &[u8]) -> [u8; 32] {
        mac(&self.key(purpose), text)
    }

    /// Whether `signature` is that of [`sign`](Self::sign), compared in constant time.
    fn verify(&self, purpose: Purpose, text: &[u8], signature: &[u8]) -> bool {
        hmac(&self.key(purpose), text).verify_slice(signature).is_ok()
    }
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    hmac(key, text).finalize().into_bytes().into()
}

fn hmac(key: &[u8; 32], text: &[u8]) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros to its block.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text);
    mac
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_secret_and_by_purpose() {
        let [a, b] = ["a", "b"].map(|text| ServerSecret::new(&text.repeat(MIN_LENGTH)));
        let (Some(a), Some(b)) = (a, b) else { unreachable!() };
        assert_ne!(a.key(Purpose::ShareLinks), b.key(Purpose::ShareLinks));
        assert_ne!(a.key(Purpose::ShareLinks), a.key(Purpose::PluginSettings));
        assert_ne!(a.sign(Purpose::ShareLinks, b"1"), a.sign(Purpose::ShareLinks, b"2"));
        assert_eq!(a.sign(Purpose::ShareLinks, b"1"), a.sign(Purpose::ShareLinks, b"1"));
        assert_eq!(format!("{a:?}"), "***");
        assert_eq!(a.fingerprint(), a.fingerprint());
        assert_ne!(a.fingerprint(), b.fingerprint());
    }

    #[test]
    fn previous_secrets_are_accepted_and_the_current_one_signs() -> Result<(), Error> {
        let [old, new] = ["a", "b"].map(|text| text.repeat(MIN_LENGTH));
        let secrets = |list: &str| ServerSecrets::parse(list).unwrap_or_default();
        let [before, rotated, revoked] = [old.clone(), format!("{new},{old}"), new].map(|list| secrets(&list));
        let signature = before.current()?.sign(Purpose::ShareLinks, b"1");
        let accepting = [&before, &rotated, &revoked].map(|it| it.verify(Purpose::ShareLinks, b"1", &signature));
        assert_eq!(accepting, [true, true, false]);
        assert_ne!(rotated.current()?.sign(Purpose::ShareLinks, b"1"), signature);
        let encrypted = Encrypted::of("text", &before.current()?.key(Purpose::PluginSettings), "place")?;
        let read = |it: &ServerSecrets| it.decrypt(Purpose::PluginSettings, &encrypted, "place");
        assert_eq!((read(&rotated).as_deref(), read(&revoked)), (Some("text"), None));
        Ok(())
    }

    #[test]
    fn without_a_secret_nothing_is_signed_or_accepted() {
        let none = ServerSecrets::default();
        assert!(none.current().is_err());
        assert!(!none.verify(Purpose::ShareLinks, b"1", b""));
        for list in ["", " ,", "short", &format!("{},short", "a".repeat(MIN_LENGTH))] {
            assert!(ServerSecrets::parse(list).is_none(), "{list}");
        }
    }

    #[test]
    fn a_short_text_is_no_secret() {
        assert!(ServerSecret::new("short").is_none());
    }
}
