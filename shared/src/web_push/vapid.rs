//! The token that identifies this deployment to a push service (RFC 8292).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;

use crate::clock::Timestamp;
use crate::secrets::VapidKey;

/// Push services accept at most a day.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// The header `Authorization` for a request to this endpoint. `contact` tells the operator of the push service whom to
/// ask about the requests, as an `https:` or `mailto:` URL.
pub(super) fn authorization(key: &VapidKey, endpoint: &Url, contact: &str, now: Timestamp) -> String {
    let header = json!({ "typ": "JWT", "alg": "ES256" });
    let claims = json!({
        "aud": endpoint.origin().ascii_serialization(),
        "exp": now.plus(LIFETIME).epoch_seconds(),
        "sub": contact,
    });
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("vapid t={signed}.{signature},k={}", key.public())
}
