//! Values that the table stores encrypted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::random;

const NONCE: usize = 12;

/// A text encrypted with ChaCha20-Poly1305 under a random nonce: base64 of nonce and ciphertext. It
/// decrypts only under the same key and for the same place (the associated data).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encrypted(String);

impl Encrypted {
    /// Encrypts a text for one place in the table.
    pub fn of(plain: &str, key: &[u8; 32], place: &str) -> Result<Self, Error> {
        let nonce = random::bytes::<NONCE>();
        let payload = Payload { msg: plain.as_bytes(), aad: place.as_bytes() };
        let encrypted = ChaCha20Poly1305::new(&(*key).into()).encrypt(&nonce.into(), payload);
        let encrypted = encrypted.map_err(|_| Error::internal("a value cannot be encrypted"))?;
        Ok(Self(STANDARD_NO_PAD.encode([&nonce[..], &encrypted].concat())))
    }

    /// `None` when it was encrypted under another key (the deployment's secret was replaced) or for
    /// another place.
    pub fn decrypt(&self, key: &[u8; 32], place: &str) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(&self.0).ok()?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: encrypted, aad: place.as_bytes() };
        let plain = ChaCha20Poly1305::new(&(*key).into()).decrypt(&(*nonce).into(), payload).ok()?;
        String::from_utf8(plain).ok()
    }

    /// A value as it was read from the table.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The encoded ciphertext.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_decrypts_with_its_own_key_and_place_only() -> Result<(), Error> {
        let encrypted = Encrypted::of("a token", &[1; 32], "a/KEY")?;
        assert_eq!(encrypted.decrypt(&[1; 32], "a/KEY").as_deref(), Some("a token"));
        assert_eq!(encrypted.decrypt(&[2; 32], "a/KEY"), None);
        assert_eq!(encrypted.decrypt(&[1; 32], "b/KEY"), None);
        assert_eq!(Encrypted::stored("AAAA".into()).decrypt(&[1; 32], "a/KEY"), None);
        assert_ne!(encrypted, Encrypted::of("a token", &[1; 32], "a/KEY")?, "each has a nonce of its own");
        Ok(())
    }
}
