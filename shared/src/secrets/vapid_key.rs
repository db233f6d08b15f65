//! The key that identifies this deployment to push services (RFC 8292). Browsers bind a subscription to its public
//! part, so the key that a subscription was made with has to sign what is sent to it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// An ECDSA key over P-256. Its `Debug` shows nothing.
pub struct VapidKey(SigningKey);

impl VapidKey {
    /// The key of a seed; `None` for the rare seed that is no number of the curve's group.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(seed).ok().map(Self)
    }

    /// The public key as browsers take it (`applicationServerKey`): the uncompressed point in base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().to_sec1_point(false).as_bytes())
    }

    /// An ES256 signature in the form of a JWS: r and s, 32 bytes each.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(text);
        signature.to_bytes().to_vec()
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
