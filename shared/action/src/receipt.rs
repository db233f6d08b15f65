//! The signed receipt of a decision: a compact JWS (RFC 7515) with Ed25519 (RFC 8037), and the public
//! keys that verify it as a JWK set (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// How long a receipt can be verified after it was signed, in seconds: 30 days.
pub const LIFETIME_SECONDS: i64 = 30 * 24 * 3600;

/// The claims of a receipt, as the contract names them.
#[derive(Clone, Debug, Serialize)]
pub struct Claims<'a> {
    /// The message.
    pub sub: &'a str,
    /// The channel of the message.
    pub channel: &'a str,
    /// `allow` or `deny`.
    pub effect: &'a str,
    /// The name of the act.
    pub action: &'a str,
    /// The digest of the act that was decided on, edits included.
    pub digest: &'a str,
    /// The person who decided.
    pub decided_by: &'a str,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// The id of this receipt.
    pub jti: &'a str,
}

/// A public key as a JWK (RFC 7517, RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    /// The id that the header of a receipt names.
    pub kid: String,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
}

/// A key that signs receipts.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key pair of a seed. The same seed gives the same key.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok().map(Self)
    }

    /// The id of the key: its JWK thumbprint (RFC 7638).
    pub fn id(&self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.public());
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Jwk {
        Jwk { kty: "OKP", crv: "Ed25519", x: self.public(), kid: self.id(), purpose: "sig", alg: "EdDSA" }
    }

    /// A receipt with these claims.
    pub fn sign(&self, claims: &Claims<'_>) -> serde_json::Result<String> {
        let header = json!({ "alg": "EdDSA", "kid": self.id(), "typ": "placet-receipt+jwt" });
        let encode = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
        let signed = format!("{}.{}", encode(serde_json::to_vec(&header)?), encode(serde_json::to_vec(claims)?));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()));
        Ok(format!("{signed}.{signature}"))
    }

    fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A: the key of A.1 and its thumbprint of A.3.
    #[test]
    fn a_key_and_its_id_are_those_of_rfc_8037() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let seed: Option<[u8; 32]> = seed.ok().and_then(|seed| seed.try_into().ok());
        let key = seed.as_ref().and_then(SigningKey::from_seed);
        assert_eq!(
            key.as_ref().map(SigningKey::public).as_deref(),
            Some("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        );
        assert_eq!(key.as_ref().map(SigningKey::id).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }
}
