//! The cookies that carry a session, and the cookies of a request.

use axum::response::AppendHeaders;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName};

use crate::http::origin::is_https;
use crate::storage::NewSession;

/// The cookie that carries a session over http. Over https it hands the token to programs, which
/// send it as a bearer token; as a cookie it is ignored there, because a sibling host could have set it.
pub const SESSION_COOKIE: &str = "access_token";

/// The cookie that carries a session over https. Browsers accept it from this exact host only.
pub const HOST_COOKIE: &str = "__Host-access_token";

/// The name of the session cookie for this request.
pub(super) fn session_name(headers: &HeaderMap) -> &'static str {
    if is_https(headers) { HOST_COOKIE } else { SESSION_COOKIE }
}

/// The names and values of a request's cookies.
pub(crate) fn request_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    request_cookies(headers).find_map(|(key, value)| (key == name).then_some(value))
}

/// `Set-Cookie` headers of a response.
pub type Cookies = AppendHeaders<Vec<(HeaderName, String)>>;

/// Stores a session in the browser that signed in on a page.
pub fn keep_session(request: &HeaderMap, session: NewSession) -> Cookies {
    let (token, age) = (session.token.reveal(), session.life.as_secs());
    match is_https(request) {
        true => AppendHeaders(vec![cookie_of(HOST_COOKIE, &token, age, true), cookie_of(SESSION_COOKIE, "", 0, true)]),
        false => AppendHeaders(vec![cookie_of(SESSION_COOKIE, &token, age, false)]),
    }
}

/// Hands a session to a caller of the API; over https also in the cookie where programs look for it.
pub fn hand_out_session(request: &HeaderMap, session: NewSession) -> Cookies {
    cookies(request, &session.token.reveal(), session.life.as_secs())
}

/// Removes both session cookies.
pub fn remove_session(request: &HeaderMap) -> Cookies {
    cookies(request, "", 0)
}

fn cookies(request: &HeaderMap, token: &str, age: u64) -> Cookies {
    let names = if is_https(request) { &[HOST_COOKIE, SESSION_COOKIE][..] } else { &[SESSION_COOKIE] };
    AppendHeaders(names.iter().map(|name| cookie_of(name, token, age, is_https(request))).collect())
}

fn cookie_of(name: &str, token: &str, age: u64, is_secure: bool) -> (HeaderName, String) {
    let secure = if is_secure { "; Secure" } else { "" };
    (SET_COOKIE, format!("{name}={token}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}"))
}
