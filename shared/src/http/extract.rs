//! Extractors of input. Before one rejects, it authenticates the caller and answers 401 if that
//! fails: put the caller before them in a handler's arguments.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequest, FromRequestParts, Multipart, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use utoipa::IntoParams;

use crate::error::Error;
use crate::http::auth::authenticate_before_rejecting;
use crate::http::body;
use crate::ids::{AgentId, MaybeChannel, Nil};
use crate::outbound::Outbound;
use crate::storage::{IdempotentCall, Store};
use crate::validation::{FromObject, FromParams, JsonObject, Params, ValidationErrors};

/// What multipart adds around a file.
const MULTIPART_FRAME: usize = 64 * 1024;
/// The limit of a JSON body, in bytes.
const MAX_JSON: usize = 4_500_000;

const JSON_TOO_LARGE: &str = "A JSON body may have at most 4,500,000 bytes: send long texts as files (textAttachments, or POST /api/v1/files/store), larger ones by POST /api/v1/files/presign.";

/// A query that has to name a channel.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InChannel {
    /// The agent's id.
    #[param(value_type = String, required = true)]
    pub channel: AgentId,
}

impl FromParams for InChannel {
    fn from_params(params: &mut Params) -> Option<Self> {
        // A malformed id names none of the caller's agents: 403, as for any other.
        params.required("channel").map(|text| Self { channel: AgentId::parse_or_nil(&text) })
    }
}

/// A query that may name a channel, on routes whose id names it too.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MaybeInChannel {
    /// The agent's id.
    #[param(value_type = Option<String>)]
    pub channel: MaybeChannel,
}

impl FromParams for MaybeInChannel {
    fn from_params(params: &mut Params) -> Option<Self> {
        Some(Self { channel: maybe_channel(params) })
    }
}

/// The channel that a query names, if it names one.
pub fn maybe_channel(params: &Params) -> MaybeChannel {
    params.text("channel").map_or(MaybeChannel::Absent, |text| MaybeChannel::Named(AgentId::parse_or_nil(&text)))
}

/// A JSON body, read by `T`.
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    Store: FromRef<S>,
    Outbound: FromRef<S>,
    T: FromObject + 'static,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let read = async {
            is_json(&parts)?;
            unencoded(&parts)?;
            let problems = ValidationErrors::new(Outbound::from_ref(state).is_for_development());
            let bytes = body::read(&parts, body, state, MAX_JSON, JSON_TOO_LARGE).await?;
            body::parse(bytes, problems, state).await
        };
        after_auth(read.await, &parts, state).await.map(Self)
    }
}

/// A JSON body that may be absent: `T`'s default then.
pub struct MaybeJson<T>(pub T);

impl<S, T> FromRequest<S> for MaybeJson<T>
where
    S: Send + Sync,
    Store: FromRef<S>,
    Outbound: FromRef<S>,
    T: FromObject + Default + 'static,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let read = async {
            unencoded(&parts)?;
            let problems = ValidationErrors::new(Outbound::from_ref(state).is_for_development());
            let bytes = body::read(&parts, body, state, MAX_JSON, JSON_TOO_LARGE).await?;
            if bytes.is_empty() {
                return Ok(T::default());
            }
            is_json(&parts)?;
            body::parse(bytes, problems, state).await
        };
        after_auth(read.await, &parts, state).await.map(Self)
    }
}

/// A JSON body with the hash by which a repeated call is compared.
pub struct HashedJson<T> {
    pub body: T,
    /// The hash of the JSON's meaning: the order of members and white space do not count.
    pub hash: String,
}

impl<S, T> FromRequest<S> for HashedJson<T>
where
    S: Send + Sync,
    Store: FromRef<S>,
    Outbound: FromRef<S>,
    T: FromObject + 'static,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let Json(Hashed { body, hash }) = Json::from_request(request, state).await?;
        Ok(Self { body, hash })
    }
}

struct Hashed<T> {
    body: T,
    hash: String,
}

impl<T: FromObject> FromObject for Hashed<T> {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let hash = object.hash();
        T::from_object(object).map(|body| Self { body, hash })
    }
}

/// The header `Idempotency-Key`, if it is there. `clientId` in the body means the same.
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The idempotency key of this call; the body's own id takes precedence over the header.
    pub fn once(self, client_id: Option<String>, body_hash: String) -> Option<IdempotentCall> {
        client_id.or(self.0).map(|client_id| IdempotentCall { client_id, body_hash })
    }

    /// The key's text, for calls that keep it with what they change.
    pub fn into_text(self) -> Option<String> {
        self.0
    }

    /// The same for a body without an id of its own; it is hashed only if there is a key.
    pub fn of(self, body_hash: impl FnOnce() -> String) -> Option<IdempotentCall> {
        self.0.map(|client_id| IdempotentCall { client_id, body_hash: body_hash() })
    }
}

impl<S> FromRequestParts<S> for IdempotencyKey
where
    S: Send + Sync,
    Store: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().ok().map(str::trim).filter(|text| (1..=256).contains(&text.len()));
        let message = "Idempotency-Key must have 1 to 256 printable ASCII characters";
        let read = text.ok_or_else(|| Error::field(["Idempotency-Key".into()], "not_a_key", message));
        after_auth(read.map(|text| Self(Some(text.to_owned()))), parts, state).await
    }
}

/// A query string, read by `T`.
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    Store: FromRef<S>,
    T: FromParams,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let read = match pairs {
            Ok(axum::extract::Query(pairs)) => Params::parse(pairs),
            Err(_) => Err(Error::field([], "malformed_query", "The query string is not UTF-8.")),
        };
        after_auth(read, parts, state).await.map(Self)
    }
}

/// The id in the path. A text that is no id of that kind gives the id that is never issued, which the
/// store answers like any id that does not exist, after it has authenticated the caller.
pub struct PathId<T>(pub T);

impl<S, T> FromRequestParts<S> for PathId<T>
where
    S: Send + Sync,
    T: Nil,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(text.map_or_else(|_| T::nil(), |path| T::parse_or_nil(&path.0))))
    }
}

/// The fields of a multipart body that holds a file of at most `max` bytes.
pub(crate) async fn multipart<S>(
    parts: &Parts,
    body: Body,
    state: &S,
    max: usize,
    too_large: &str,
) -> Result<Multipart, Error>
where
    Store: FromRef<S>,
{
    if media_type(parts).as_deref() != Some("multipart/form-data") {
        return Err(Error::UnsupportedMediaType("multipart/form-data"));
    }
    unencoded(parts)?;
    let bytes = body::read(parts, body, state, max + MULTIPART_FRAME, too_large).await?;
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = parts.headers.clone();
    DefaultBodyLimit::disable().apply(&mut request); // body::read has limited it
    Multipart::from_request(request, &()).await.map_err(malformed)
}

pub(crate) fn malformed<E>(_: E) -> Error {
    Error::field([], "malformed_multipart", "The multipart body cannot be read.")
}

/// A refusal goes out only to callers whose credential is good, if the route asks for one.
pub(crate) async fn after_auth<T, S>(read: Result<T, Error>, parts: &Parts, state: &S) -> Result<T, Error>
where
    Store: FromRef<S>,
{
    if read.is_err() {
        authenticate_before_rejecting(parts, state).await?;
    }
    read
}

fn media_type(parts: &Parts) -> Option<String> {
    let value = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(parts: &Parts) -> Result<(), Error> {
    match media_type(parts) {
        Some(it) if it == "application/json" || it.ends_with("+json") => Ok(()),
        _ => Err(Error::UnsupportedMediaType("application/json")),
    }
}

/// Refuses a body that says to be compressed: nothing here unpacks one.
fn unencoded(parts: &Parts) -> Result<(), Error> {
    const MAX_SHOWN: usize = 40;
    let named = parts.headers.get_all(CONTENT_ENCODING).into_iter();
    let codings = named.flat_map(|value| value.to_str().unwrap_or("that coding").split(','));
    match codings.map(str::trim).find(|it| !it.is_empty() && !it.eq_ignore_ascii_case("identity")) {
        Some(coding) => Err(Error::UnsupportedEncoding(coding.chars().take(MAX_SHOWN).collect())),
        None => Ok(()),
    }
}
