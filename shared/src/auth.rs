//! Who is calling. An extractor only reads a credential and refuses what cannot be one; the
//! store verifies it in the same call that fetches what the route needs, so a route costs one
//! round trip and cannot get at anything without the check ([`crate::storage::Store::admit`]).

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;

use crate::error::Error;
use crate::ids::UserId;
use crate::models::SenderType;
use crate::secrets::Presented;
use crate::storage::{NewSession, Store};

/// The name of the cookie that carries a session.
pub const SESSION_COOKIE: &str = "access_token";

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
        parts.extensions.insert(Caller::from(&human));
        Ok(human)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnerCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        HumanCaller::from_request_parts(parts, state).await.map(Self)
    }
}

impl HumanCaller {
    /// The session that a request's headers present, if they present one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let token = bearer(headers).or_else(|| cookie(headers, SESSION_COOKIE));
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

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = header(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The cookie that carries a session, or that takes it away.
pub fn session_cookie(request: &HeaderMap, session: Option<NewSession>) -> String {
    let secure = if header(request, "x-forwarded-proto") == Some("https") { "; Secure" } else { "" };
    let (token, age) = match session {
        Some(session) => (session.token.reveal(), session.life.as_secs()),
        None => (String::new(), 0),
    };
    format!("{SESSION_COOKIE}={token}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}")
}
