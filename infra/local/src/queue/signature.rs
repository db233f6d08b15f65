//! AWS Signature Version 4 as a server checks it, for the one kind of request that SQS's JSON
//! protocol has: `POST /` without a query.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};
use shared::secrets::hex;

/// Who may call.
#[derive(Clone)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: String,
}

impl Credentials {
    /// Whether these headers sign this body with these credentials. No age is asked of a
    /// signature: the secret is made at every start and ends with the process.
    pub fn signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        self.check(headers, body).unwrap_or(false)
    }

    fn check(&self, headers: &HeaderMap, body: &[u8]) -> Option<bool> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = text("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| authorization.split(',').find_map(|part| part.trim().strip_prefix(name));
        let (credential, names, signature) = (part("Credential=")?, part("SignedHeaders=")?, part("Signature=")?);
        let (access_key, scope) = credential.split_once('/')?;
        let [date, region, service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else { return None };
        if access_key != self.access_key {
            return None;
        }
        let mut canonical = String::from("POST\n/\n\n");
        for name in names.split(';') {
            canonical += &format!("{name}:{}\n", text(name)?.trim());
        }
        canonical += &format!("\n{names}\n{}", hex(&Sha256::digest(body)));
        let told = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            text("x-amz-date")?,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let mut key = format!("AWS4{}", self.secret_key).into_bytes();
        for step in [date, region, service, "aws4_request"] {
            key = keyed(&key, step)?.finalize().into_bytes().to_vec();
        }
        Some(keyed(&key, &told)?.verify_slice(&unhex(signature)?).is_ok())
    }
}

fn keyed(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect())
}
