//! Device tokens: proof that a person has signed in with this browser before.
//!
//! Anyone who knows an e-mail address can use up its login attempts. A browser with a device token
//! has attempts of its own, so an attacker without one cannot lock the account's owner out. The
//! token grants no access: the password is still required, and the number of attempts is the same.
//!
//! A token is `<user>.<device>.<password id>.<seconds since 1970 when it expires>.<signature>`. It
//! is not stored; the signature is an HMAC under the deployment's secret. Signing out keeps it, and
//! so does a password change, because that is when a person has to sign in again. All browsers that
//! only know a former password share one set of attempts ([`Device::knows`]), so tokens collected
//! before the change do not help guessing.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::ids::{self, UserId, parse_ulid};
use crate::secrets::{Purpose, ServerSecret, ServerSecrets};

/// How long a browser is remembered after its last sign-in.
pub const LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

/// A browser in which a user has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub user: UserId,
    pub id: Ulid,
    /// The password that was typed there last.
    pub password_id: String,
}

impl Device {
    /// The same browser as before, if it presented itself, after a sign-in with this password.
    pub fn signed_in(presented: &[Self], user: UserId, password_id: &str, now: Timestamp) -> Self {
        let known = presented.iter().find(|device| device.user == user);
        let id = known.map_or_else(|| ids::new_ulid(now), |device| device.id);
        Self { user, id, password_id: password_id.to_owned() }
    }

    /// Whether the password that was typed there last is still the user's.
    pub fn knows(&self, password_id: &str) -> bool {
        self.password_id == password_id
    }

    /// The device that `token` names, unless its signature is wrong or it has expired.
    pub fn verified(token: &str, secrets: &ServerSecrets, now: Timestamp) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !secrets.verify(Purpose::DeviceCookies, signed.as_bytes(), &signature) {
            return None;
        }
        let [user, id, password_id, ends] = signed.split('.').collect::<Vec<_>>().try_into().ok()?;
        let user = UserId::from_ulid(parse_ulid(user).ok()?);
        let device = Self { user, id: parse_ulid(id).ok()?, password_id: password_id.to_owned() };
        (now.epoch_seconds() < ends.parse().ok()?).then_some(device)
    }

    /// The signed token, valid for [`LIFE`] from `now`.
    pub fn token(&self, secret: &ServerSecret, now: Timestamp) -> String {
        let ends = now.plus(LIFE).epoch_seconds();
        let signed = format!("{}.{}.{}.{ends}", self.user.ulid(), self.id, self.password_id);
        let signature = secret.sign(Purpose::DeviceCookies, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn secret(text: &str) -> ServerSecret {
        ServerSecret::new(&text.repeat(32)).unwrap_or_else(|| unreachable!())
    }

    pub(crate) fn at_start() -> Timestamp {
        Timestamp::from_millis(1_769_852_000_000)
    }

    pub(crate) fn device(now: Timestamp) -> Device {
        Device::signed_in(&[], UserId::new(now), "01KB0000000000000000000000", now)
    }

    #[test]
    fn a_token_is_good_until_it_ends_under_its_own_secret_only() {
        let now = at_start();
        let device = device(now);
        let token = device.token(&secret("a"), now);
        let end = now.plus(LIFE);
        assert_eq!(Device::verified(&token, &secret("a").into(), now).as_ref(), Some(&device));
        assert_eq!(
            Device::verified(&token, &secret("a").into(), Timestamp::from_millis(end.millis() - 1)),
            Some(device)
        );
        assert_eq!(Device::verified(&token, &secret("a").into(), end), None);
        assert_eq!(Device::verified(&token, &secret("b").into(), now), None);
    }

    #[test]
    fn no_changed_token_is_good() {
        let now = at_start();
        let token = device(now).token(&secret("a"), now);
        for at in 0..token.len() {
            for other in [b'A', b'B', b'1', b'2', b'.', b'_'] {
                let mut changed = token.clone().into_bytes();
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap_or_default();
                let known = Device::verified(&changed, &secret("a").into(), now);
                assert_eq!(known.is_some(), changed == token, "{changed}");
            }
        }
    }

    #[test]
    fn a_browser_keeps_its_id_and_remembers_the_last_password() {
        let now = at_start();
        let before = device(now);
        let after = Device::signed_in(std::slice::from_ref(&before), before.user, "another", now);
        assert_eq!((after.id, after.knows("another"), before.knows("another")), (before.id, true, false));
        assert_ne!(Device::signed_in(std::slice::from_ref(&before), UserId::new(now), "another", now).id, before.id);
    }
}
