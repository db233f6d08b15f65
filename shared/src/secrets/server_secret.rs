//! The deployment's own secret. Keys derived from it sign share links, device cookies and receipts, and
//! encrypt plugin settings. Replacing it revokes every share link; receipts stay valid while the earlier
//! secret is among the previous ones.

use std::fmt;

use action::receipt::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::hex;

/// The minimum length, in characters.
pub const MIN_LENGTH: usize = 32;

/// The deployment's secret, hashed. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct ServerSecret([u8; 32]);

/// What a derived key is for. Keys of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    ShareLinks,
    PluginSettings,
    DeviceCookies,
    Receipts,
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
            Purpose::DeviceCookies => "device-cookies",
            Purpose::Receipts => "receipts",
            Purpose::Fingerprint => "fingerprint",
        };
        mac(&self.0, label.as_bytes())
    }

    /// The key that signs the receipts of decisions. The same secret gives the same key.
    pub fn receipt_key(&self) -> Result<SigningKey, Error> {
        let key = SigningKey::from_seed(&self.key(Purpose::Receipts));
        key.ok_or_else(|| Error::internal("no signing key can be derived from the secret"))
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
    pub fn verify(&self, purpose: Purpose, text: &[u8], signature: &[u8]) -> bool {
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
    fn a_short_text_is_no_secret() {
        assert!(ServerSecret::new("short").is_none());
    }
}
