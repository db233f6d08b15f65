//! Who is calling. An extractor only reads a credential and refuses what cannot be one; the
//! store verifies it in the same call that fetches what the route needs, so a route costs one
//! round trip and cannot get at anything without the check ([`crate::storage::Store::admit`]).

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::response::AppendHeaders;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::error::Error;
use crate::ids::UserId;
use crate::models::SenderType;
use crate::origin::{Sender, is_https};
use crate::secrets::{Hashed, Presented};
use crate::storage::{NewSession, Store};

/// The cookie that carries a session over http. Over https it carries one to programs, which send
/// it as a bearer token: as a cookie it does not count there, for a sister host could have set it.
pub const SESSION_COOKIE: &str = "access_token";

/// The cookie that carries a session over https. Browsers take it from this very host only.
pub const HOST_COOKIE: &str = "__Host-access_token";

/// Somebody with a credential that is not verified yet.
#[derive(Clone, Debug)]
pub enum Caller {
    Agent(AgentCaller),
    Human(HumanCaller),
}

/// An agent, by the API key it presents.
#[derive(Clone, Debug)]
pub struct AgentCaller(pub(crate) Presented);

/// A person, by the session they present.
#[derive(Clone, Debug)]
pub struct HumanCaller(pub(crate) Presented);

/// A person on a route that is for owners: the store refuses members.
#[derive(Clone, Debug)]
pub struct OwnerCaller(pub(crate) HumanCaller);

impl Caller {
    /// The user that the credential names: good for reading beside its check, never instead.
    pub(crate) fn claimed(&self) -> UserId {
        match self {
            Self::Agent(AgentCaller(presented)) | Self::Human(HumanCaller(presented)) => presented.claimed,
        }
    }

    pub(crate) fn hashed(&self) -> &Hashed {
        match self {
            Self::Agent(AgentCaller(presented)) | Self::Human(HumanCaller(presented)) => &presented.hashed,
        }
    }

    /// As whom the caller writes.
    pub(crate) fn sender(&self) -> SenderType {
        match self {
            Self::Agent(_) => SenderType::Agent,
            Self::Human(_) => SenderType::User,
        }
    }

    /// How somebody with a credential of this kind is refused.
    pub(crate) fn refused(&self) -> Error {
        match self {
            Self::Agent(_) => Error::NoApiKey,
            Self::Human(_) => Error::NoSession,
        }
    }
}

impl From<&AgentCaller> for Caller {
    fn from(agent: &AgentCaller) -> Self {
        Self::Agent(agent.clone())
    }
}

impl From<&HumanCaller> for Caller {
    fn from(human: &HumanCaller) -> Self {
        Self::Human(human.clone())
    }
}

impl From<&OwnerCaller> for Caller {
    fn from(owner: &OwnerCaller) -> Self {
        Self::from(&owner.0)
    }
}

impl AgentCaller {
    /// Whoever presents this key, if it can be one.
    pub fn with_key(key: &str) -> Option<Self> {
        Presented::api_key(key).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AgentCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let key = bearer(&parts.headers).or_else(|| header(&parts.headers, "x-api-key"));
        let agent = key.and_then(Self::with_key).ok_or(Error::NoApiKey)?;
        parts.extensions.insert(Caller::from(&agent));
        Ok(agent)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for HumanCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let human = Self::of(&parts.headers).ok_or(Error::NoSession)?;
        refuse_foreign_pages(parts)?;
        parts.extensions.insert(Caller::from(&human));
        Ok(human)
    }
}

/// For routes that change the browser's cookie: they refuse foreign pages without a session, too.
impl<S: Send + Sync> OptionalFromRequestParts<S> for HumanCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        refuse_foreign_pages(parts)?;
        Ok(Self::of(&parts.headers))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnerCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        <HumanCaller as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Self)
    }
}

/// Browsers add a host's cookie to whatever any page sends there, so a call that is not a read
/// counts only from our own pages, or from no page at all. A bearer token is added by its holder.
fn refuse_foreign_pages(parts: &Parts) -> Result<(), Error> {
    let is_harmless = parts.method.is_safe() || bearer(&parts.headers).is_some();
    match Sender::of(&parts.headers) {
        Sender::ForeignPage if !is_harmless => Err(Error::ForeignPage),
        _ => Ok(()),
    }
}

impl HumanCaller {
    /// The session that a request's headers present, if they present one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let token = bearer(headers).or_else(|| cookie(headers, session_name(headers)));
        token.and_then(Presented::session).map(Self)
    }
}

/// Makes sure that a request whose input was refused came from somebody we know: a stranger
/// learns nothing but 401.
pub async fn before_complaining<S>(parts: &Parts, state: &S) -> Result<(), Error>
where
    Store: FromRef<S>,
{
    match parts.extensions.get::<Caller>() {
        Some(caller) => Store::from_ref(state).admit(caller.clone(), &[]).await.map(drop),
        None => Ok(()),
    }
}

/// The hashes of all credentials that a request presents, whichever its route asks for.
pub(crate) fn presented(headers: &HeaderMap) -> Vec<Hashed> {
    let (bearer, key, cookie) = (bearer(headers), header(headers, "x-api-key"), cookie(headers, session_name(headers)));
    let keys = [bearer, key].into_iter().flatten().filter_map(Presented::api_key);
    let sessions = [bearer, cookie].into_iter().flatten().filter_map(Presented::session);
    keys.chain(sessions).map(|presented| presented.hashed).collect()
}

/// The cookie that counts as a session.
fn session_name(headers: &HeaderMap) -> &'static str {
    if is_https(headers) { HOST_COOKIE } else { SESSION_COOKIE }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = header(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    request_cookies(headers).find_map(|(key, value)| (key == name).then_some(value))
}

/// `Set-Cookie` headers of a response.
pub type Cookies = AppendHeaders<Vec<(HeaderName, String)>>;

/// Keeps a session in the browser that signed in on a page.
pub fn keep_session(request: &HeaderMap, session: NewSession) -> Cookies {
    let (token, age) = (session.token.reveal(), session.life.as_secs());
    match is_https(request) {
        true => AppendHeaders(vec![cookie_of(HOST_COOKIE, &token, age, true), cookie_of(SESSION_COOKIE, "", 0, true)]),
        false => AppendHeaders(vec![cookie_of(SESSION_COOKIE, &token, age, false)]),
    }
}

/// Keeps a session with a caller of the API: over https also where programs look for the token.
pub fn hand_out_session(request: &HeaderMap, session: NewSession) -> Cookies {
    cookies(request, &session.token.reveal(), session.life.as_secs())
}

/// Takes the session away, whichever cookie carries it.
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
