//! The secrets that sign webhooks.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::random;

/// `whsec_` and the base64 of 32 random bytes, as the Standard Webhooks specification writes
/// keys (it asks for 24 to 64). Unlike a credential it is stored whole: signing needs it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// A new secret.
    pub fn make() -> Self {
        Self(format!("whsec_{}", STANDARD.encode(random::bytes::<32>())))
    }

    /// For signing, and for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_as_the_specification_writes_it_and_debug_does_not_show_it() {
        let secret = WebhookSecret::make();
        let key = secret.reveal().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        assert_eq!(key.map(|key| key.len()), Some(32));
        assert_eq!(format!("{secret:?}"), "***");
        assert_ne!(secret, WebhookSecret::make());
    }
}
