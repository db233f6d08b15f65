//! The cookie that carries a [`Device`] token.

use http::HeaderMap;

use crate::clock::Timestamp;
use crate::http::{origin, session_cookie};
use crate::secrets::device::LIFE;
use crate::secrets::{ServerSecret, ServerSecrets};

pub use crate::secrets::Device;

/// One cookie per user and browser: its name is this and the user's ULID.
const NAME: &str = "device_";
/// Over https the name says that no other host, and no page sent in plain, has set it.
const HOST_PREFIX: &str = "__Host-";

impl Device {
    /// The valid device cookies of a request: one for each user who has signed in in this browser.
    pub fn presented(request: &HeaderMap, secrets: &ServerSecrets, now: Timestamp) -> Vec<Self> {
        let named = |name: &str| name.strip_prefix(HOST_PREFIX).unwrap_or(name).starts_with(NAME);
        let tokens = session_cookie::request_cookies(request).filter(|(name, _)| named(name)).map(|(_, token)| token);
        tokens.filter_map(|token| Self::verified(token, secrets, now)).collect()
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
    use crate::secrets::device::tests::{at_start, device, secret};

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
        assert_eq!(Device::presented(&request, &secret("a").into(), now), devices);
        assert_eq!(Device::presented(&request, &secret("b").into(), now), []);
    }
}
