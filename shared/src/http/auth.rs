//! Who is calling. An extractor only reads a credential and refuses what cannot be one; the
//! store verifies it in the same call that fetches what the route needs, so a route costs one
//! round trip and cannot get at anything without the check ([`crate::storage::Store::authenticate`]).

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

pub use crate::caller::{AgentCaller, Caller, HumanCaller, OwnerCaller};
use crate::error::Error;
use crate::http::origin::Sender;
use crate::http::session_cookie::{cookie, session_name};
use crate::secrets::{Credential, SecretHash};
use crate::storage::Store;

impl<S: Send + Sync> FromRequestParts<S> for AgentCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let key = bearer(&parts.headers).or_else(|| header(&parts.headers, "x-api-key"));
        let agent = key.and_then(Self::with_key).ok_or(Error::NoApiKey)?;
        let agent = if parts.method.is_safe() { agent.reading() } else { agent };
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

/// For routes that set cookies: pages of other sites are refused even without a session.
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

/// Refuses writes from pages of other sites. Browsers attach a host's cookies to requests from any
/// page, so a write with a cookie must come from our own pages or from a program. A bearer token is
/// attached by its holder only.
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
        token.and_then(Credential::session).map(Self)
    }
}

/// Authenticates before reporting a validation error, so unauthenticated callers only ever see 401.
pub async fn authenticate_before_rejecting<S>(parts: &Parts, state: &S) -> Result<(), Error>
where
    Store: FromRef<S>,
{
    match parts.extensions.get::<Caller>() {
        // Boxed: it is large, rare, and part of every handler's future, also while that one waits.
        Some(caller) => Box::pin(Store::from_ref(state).admit(caller.clone(), &[])).await.map(drop),
        None => Ok(()),
    }
}

/// The hashes of all credentials in a request, whichever its route requires.
pub(crate) fn credential_hashes(headers: &HeaderMap) -> Vec<SecretHash> {
    let (bearer, key, cookie) = (bearer(headers), header(headers, "x-api-key"), cookie(headers, session_name(headers)));
    let keys = [bearer, key].into_iter().flatten().filter_map(Credential::api_key);
    let sessions = [bearer, cookie].into_iter().flatten().filter_map(Credential::session);
    keys.chain(sessions).map(|presented| presented.hashed).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = header(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
