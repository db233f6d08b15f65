//! The one port of the engines, for what a browser gets and puts past the service: presigned URLs.
//! Whoever else finds the port gets nothing, and what it serves runs in no browser.
//!
//! - Requests are GETs and PUTs with a signature in the query, which the engine verifies, its expiry
//!   included. Calls that are signed in a header come from this process and use no port.
//! - The `Host` is the address that URLs are signed for, so no name leads here from elsewhere.
//! - Pages of any origin may use such a URL, for it is the permission; without one an origin gets
//!   no answer that it could read.
//! - What a browser might run is an attachment in a sandbox, whatever the URL asks for.

use std::io;

use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST,
    IF_NONE_MATCH, ORIGIN, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use s3s::service::S3Service;
use shared::models::file::is_inert;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::cors::{Any, CorsLayer};

use crate::server;

const REFUSAL: &str = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

/// Serves presigned URLs until `stopped` says so.
pub async fn serve(listener: TcpListener, service: S3Service, stopped: watch::Receiver<bool>) -> io::Result<()> {
    let host = HeaderValue::try_from(listener.local_addr()?.to_string()).map_err(io::Error::other)?;
    let service = HandleError::new(service, async |_| StatusCode::INTERNAL_SERVER_ERROR);
    // As the deployed bucket's rules, with the headers that an upload's URL demands.
    let pages = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::PUT])
        .allow_headers([CONTENT_TYPE, IF_NONE_MATCH]);
    let router = Router::new().fallback_service(service).layer(pages).layer(from_fn_with_state(host, guard));
    server::serve(listener, router, stopped).await
}

async fn guard(State(host): State<HeaderValue>, request: Request, next: Next) -> Response {
    if !is_for(&host, &request) || !is_presigned(&request) || !is_allowed(&request) {
        return harmless((StatusCode::FORBIDDEN, [(CONTENT_TYPE, "application/xml")], REFUSAL).into_response());
    }
    harmless(next.run(request).await)
}

/// One `Host`, the address of this port; a target in absolute form names it, too.
fn is_for(host: &HeaderValue, request: &Request) -> bool {
    let mut named = request.headers().get_all(HOST).iter();
    let target = request.uri().authority().is_none_or(|authority| authority.as_str().as_bytes() == host.as_bytes());
    named.next() == Some(host) && named.next().is_none() && target
}

/// Whether the query carries a signature, and nothing else claims to.
fn is_presigned(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let signed = query.split('&').any(|pair| pair.starts_with("X-Amz-Signature="));
    signed && !request.headers().contains_key(AUTHORIZATION)
}

/// A download, an upload, or a browser's question whether a page may begin one.
fn is_allowed(request: &Request) -> bool {
    let transfers = [Method::GET, Method::PUT];
    if request.method() != Method::OPTIONS {
        return transfers.contains(request.method());
    }
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD);
    let asked =
        asked.is_some_and(|asked| transfers.iter().any(|method| method.as_str().as_bytes() == asked.as_bytes()));
    asked && request.headers().contains_key(ORIGIN)
}

/// The same response, which no browser runs.
fn harmless(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let inert = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_inert);
    if !inert {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
        headers.insert(CONTENT_DISPOSITION, attachment(headers));
    }
    response
}

/// The disposition with its file name, as an attachment.
fn attachment(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(CONTENT_DISPOSITION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = given.split_once(';').map(|(_, name)| format!("attachment;{name}"));
    let value = name.and_then(|value| HeaderValue::try_from(value).ok());
    value.unwrap_or(HeaderValue::from_static("attachment"))
}
