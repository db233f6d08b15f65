//! CORS: the origins whose scripts may call the agents' API. Routes for people, which accept cookies,
//! are never opened to another origin.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    ORIGIN, RANGE, RETRY_AFTER,
};
use http::{HeaderName, HeaderValue, Method};
use tower::{Layer, ServiceExt};
use tower_http::cors::{AllowOrigin, CorsLayer};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a browser may keep the answer to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// The origins whose scripts may call the agents' API; none by default.
#[derive(Clone, Debug, Default)]
pub struct Cors(Option<CorsLayer>);

impl Cors {
    /// Any origin: what opens the API is a key, which no browser sends by itself.
    pub fn any() -> Self {
        Self::layer(AllowOrigin::any())
    }

    /// Of a list such as `https://app.example.com,https://tools.example.com`, or `*`. `None` when
    /// one of them is no origin.
    pub fn of(list: &str) -> Option<Self> {
        if list.trim() == "*" {
            return Some(Self::any());
        }
        let origins: Option<Vec<HeaderValue>> = list.split(',').map(|origin| checked(origin.trim())).collect();
        origins.map(|origins| Self::layer(AllowOrigin::list(origins)))
    }

    /// Credentials are not allowed: browsers neither send cookies nor keep those that come.
    fn layer(origins: AllowOrigin) -> Self {
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, IF_NONE_MATCH, IF_RANGE, RANGE, X_API_KEY])
            .expose_headers([ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, RETRY_AFTER, X_REQUEST_ID])
            .max_age(PREFLIGHT_MAX_AGE);
        Self(Some(layer))
    }
}

/// An origin as browsers write it: scheme and authority in lower case, nothing behind them.
fn checked(origin: &str) -> Option<HeaderValue> {
    let (scheme, authority) = origin.split_once("://")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
    let is_origin = !scheme.is_empty() && !authority.is_empty() && scheme.chars().chain(authority.chars()).all(plain);
    is_origin.then(|| HeaderValue::from_str(origin).ok()).flatten()
}

/// Answers preflights of the agents' API, and says on its answers, errors included, who may read them.
pub async fn on_agents_api(State(Cors(cors)): State<Cors>, request: Request, next: Next) -> Response {
    // What asks without an origin is no browser's preflight: the routes answer it as ever.
    let asked = *request.method() != Method::OPTIONS || request.headers().contains_key(ORIGIN);
    match cors.filter(|_| asked && is_agents(request.uri().path())) {
        Some(cors) => cors.layer(next).oneshot(request).await.unwrap_or_else(|never: Infallible| match never {}),
        None => next.run(request).await,
    }
}

/// Whether a path is of the agents' API, also one with too many slashes: what it is redirected to is.
fn is_agents(path: &str) -> bool {
    path.split('/').filter(|segment| !segment.is_empty()).take(2).eq(["api", "v1"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_are_taken() {
        for list in
            ["*", "https://app.example.com", "http://localhost:5173, chrome-extension://abcdef", "https://[::1]:8"]
        {
            assert!(Cors::of(list).is_some(), "{list}");
        }
        for list in
            ["app.example.com", "https://", "https://a/", "https://a/b", "https://A", "null", "https://a,*", "a b"]
        {
            assert!(Cors::of(list).is_none(), "{list}");
        }
    }

    #[test]
    fn only_the_agents_api_is_opened() {
        for path in ["/api/v1", "/api/v1/messages", "//api/v1/messages/", "/api//v1/x"] {
            assert!(is_agents(path), "{path}");
        }
        for path in ["/api/auth/login", "/api", "/api/v12/x", "/", "/x/api/v1", "/api/files", "/api/v1x"] {
            assert!(!is_agents(path), "{path}");
        }
    }
}
