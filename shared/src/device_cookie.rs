//! Device cookies: how a browser proves that its person has signed in there before.
//!
//! Anybody who knows an e-mail address can use up its sign-in attempts. A browser with a device
//! cookie has attempts of its own, so an attacker without one cannot lock its person out. The
//! cookie lets nobody in: the password is still asked for, and the number of attempts is the same.
//!
//! A token is `<user>.<device>.<password id>.<seconds since 1970 when it ends>.<signature>`. It is
//! not stored anywhere; the signature is an HMAC under the deployment's secret. A sign-out keeps
//! the cookie. A changed or reset password does not end it, because that is when a person has to
//! sign in again; but all browsers that only know a former password share one set of attempts
//! ([`Device::knows`]), so that cookies collected before the change are of no use for guessing.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::ids::{self, UserId, parse_ulid};
use crate::server_secret::{Purpose, ServerSecret};
use crate::{auth, origin};

/// How long a browser is remembered after its last sign-in.
pub const LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

/// One cookie per user and browser: its name is this and the user's ULID.
const NAME: &str = "device_";
/// Over https the name says that no other host, and no page sent in plain, has set it.
const HOST_PREFIX: &str = "__Host-";

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

    /// The valid device cookies of a request: one for each user who has signed in in this browser.
    pub fn presented(request: &HeaderMap, secret: &ServerSecret, now: Timestamp) -> Vec<Self> {
        let named = |name: &str| name.strip_prefix(HOST_PREFIX).unwrap_or(name).starts_with(NAME);
        let tokens = auth::request_cookies(request).filter(|(name, _)| named(name)).map(|(_, token)| token);
        tokens.filter_map(|token| Self::verified(token, secret, now)).collect()
    }

    fn verified(token: &str, secret: &ServerSecret, now: Timestamp) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !secret.verify(Purpose::DeviceCookies, signed.as_bytes(), &signature) {
            return None;
        }
        let [user, id, password_id, ends] = signed.split('.').collect::<Vec<_>>().try_into().ok()?;
        let user = UserId::from_ulid(parse_ulid(user).ok()?);
        let device = Self { user, id: parse_ulid(id).ok()?, password_id: password_id.to_owned() };
        (now.epoch_seconds() < ends.parse().ok()?).then_some(device)
    }

    fn token(&self, secret: &ServerSecret, now: Timestamp) -> String {
        let ends = now.plus(LIFE).epoch_seconds();
        let signed = format!("{}.{}.{}.{ends}", self.user.ulid(), self.id, self.password_id);
        let signature = secret.sign(Purpose::DeviceCookies, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The value of a `Set-Cookie` header for the answer to `request`.
    pub fn cookie(&self, request: &HeaderMap, secret: &ServerSecret, now: Timestamp) -> String {
        let (prefix, secure) = if origin::is_https(request) { (HOST_PREFIX, "; Secure") } else { ("", "") };
        let (user, token, age) = (self.user.ulid(), self.token(secret, now), LIFE.as_secs());
        format!("{prefix}{NAME}{user}={token}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}")
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn secret(text: &str) -> ServerSecret {
        ServerSecret::new(&text.repeat(32)).unwrap_or_else(|| unreachable!())
    }

    fn at_start() -> Timestamp {
        Timestamp::from_millis(1_769_852_000_000)
    }

    fn device(now: Timestamp) -> Device {
        Device::signed_in(&[], UserId::new(now), "01KB0000000000000000000000", now)
    }

    #[test]
    fn a_token_is_good_until_it_ends_under_its_own_secret_only() {
        let now = at_start();
        let device = device(now);
        let token = device.token(&secret("a"), now);
        let end = now.plus(LIFE);
        assert_eq!(Device::verified(&token, &secret("a"), now).as_ref(), Some(&device));
        assert_eq!(Device::verified(&token, &secret("a"), Timestamp::from_millis(end.millis() - 1)), Some(device));
        assert_eq!(Device::verified(&token, &secret("a"), end), None);
        assert_eq!(Device::verified(&token, &secret("b"), now), None);
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
                let known = Device::verified(&changed, &secret("a"), now);
                assert_eq!(known.is_some(), changed == token, "{changed}");
            }
        }
    }

    #[test]
    fn a_browser_presents_a_cookie_for_each_of_its_users() {
        let now = at_start();
        let devices = [device(now), device(now)];
        let header = |device: &Device| {
            let cookie = device.cookie(&HeaderMap::new(), &secret("a"), now);
            cookie.split(';').next().unwrap_or_default().to_owned()
        };
        let mut request = HeaderMap::new();
        let all = format!("access_token=hs_x; {}; device_x=1.2.3; {}", header(&devices[0]), header(&devices[1]));
        request.insert(COOKIE, all.parse().unwrap_or_else(|_| unreachable!()));
        assert_eq!(Device::presented(&request, &secret("a"), now), devices);
        assert_eq!(Device::presented(&request, &secret("b"), now), []);
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
