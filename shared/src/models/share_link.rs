//! Links that give access to one file for an hour, without authentication.
//!
//! A token is `<file id>.<seconds since 1970 when it ends>.<signature>`. Nothing of it is stored:
//! its signature proves that a caller who may see the file asked for it, and a new secret of the
//! deployment ends every link. Only [`ShareLink::of`] and [`ShareLink::verified`] make one.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;
use crate::ids::FileId;
use crate::models::Attachment;
use crate::secrets::{Purpose, ServerSecret, ServerSecrets};

/// How long a link is good for.
pub const LIFE: Duration = Duration::from_secs(3600);

/// Access to one file until a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareLink {
    file: FileId,
    ends: i64,
}

impl ShareLink {
    /// A link to a file that the caller was allowed to see.
    pub fn of(file: &Attachment, now: Timestamp) -> Self {
        Self { file: file.id, ends: now.plus(LIFE).epoch_seconds() }
    }

    /// The link that a token stands for, unless it is wrong or has ended.
    pub fn verified(token: &str, secrets: &ServerSecrets, now: Timestamp) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !secrets.verify(Purpose::ShareLinks, signed.as_bytes(), &signature) {
            return None;
        }
        let (file, ends) = signed.split_once('.')?;
        let link = Self { file: file.parse().ok()?, ends: ends.parse().ok()? };
        (now.epoch_seconds() < link.ends).then_some(link)
    }

    /// The signed text that stands for the link in a URL.
    pub fn token(&self, secret: &ServerSecret) -> String {
        let signed = format!("{}.{}", self.file, self.ends);
        let signature = secret.sign(Purpose::ShareLinks, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The file that the link opens.
    pub fn file(&self) -> FileId {
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AgentId;

    fn secret(text: &str) -> ServerSecret {
        ServerSecret::new(&text.repeat(32)).unwrap_or_else(|| unreachable!())
    }

    #[test]
    fn a_token_is_good_until_it_ends_under_its_own_secret_only() {
        let now = Timestamp::from_millis(1_769_852_000_000);
        let link = ShareLink { file: FileId::new(AgentId::new(now), now), ends: now.plus(LIFE).epoch_seconds() };
        let token = link.token(&secret("a"));
        let verified =
            |token: &str, secret: ServerSecret, at: Timestamp| ShareLink::verified(token, &secret.into(), at);
        assert_eq!(verified(&token, secret("a"), now), Some(link));
        assert_eq!(verified(&token, secret("a"), now.plus(LIFE - Duration::from_secs(1))), Some(link));
        assert_eq!(verified(&token, secret("a"), now.plus(LIFE)), None);
        assert_eq!(verified(&token, secret("b"), now), None);
    }

    #[test]
    fn no_changed_token_is_good() {
        let now = Timestamp::from_millis(1_769_852_000_000);
        let link = ShareLink { file: FileId::new(AgentId::new(now), now), ends: now.plus(LIFE).epoch_seconds() };
        let token = link.token(&secret("a"));
        for at in 0..token.len() {
            for other in [b'A', b'B', b'1', b'2', b'.', b'_'] {
                let mut changed = token.clone().into_bytes();
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap_or_default();
                let known = ShareLink::verified(&changed, &secret("a").into(), now);
                assert_eq!(known.is_some(), changed == token, "{changed}");
            }
        }
        for text in ["", ".", "..", "a.b.c", &token[..token.len() - 1], &format!("{token}A"), &format!("{token}=")] {
            assert_eq!(ShareLink::verified(text, &secret("a").into(), now), None, "{text}");
        }
    }
}
