//! The only TCP port of the engines, which serves presigned URLs to browsers.
//!
//! - It accepts GET and PUT requests with a signature in the query. The engine verifies the signature
//!   and its expiry. Requests signed in a header come from this process and use no port.
//! - The `Host` header must be the address that URLs are signed for, which prevents DNS rebinding.
//! - CORS allows every origin, because a presigned URL is itself the permission.
//! - Content that a browser could execute is sent as an attachment with a sandbox policy, whatever
//!   the URL requests.

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

const ACCESS_DENIED: &str = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

/// Serves presigned URLs until `stopped` becomes true.
pub async fn serve(listener: TcpListener, service: S3Service, stopped: watch::Receiver<bool>) -> io::Result<()> {
    let host = HeaderValue::try_from(listener.local_addr()?.to_string()).map_err(io::Error::other)?;
    let service = HandleError::new(service, async |_| StatusCode::INTERNAL_SERVER_ERROR);
    // The rules of the deployed bucket, with the headers that an upload URL requires.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::PUT])
        .allow_headers([CONTENT_TYPE, IF_NONE_MATCH]);
    let router = Router::new().fallback_service(service).layer(cors).layer(from_fn_with_state(host, guard));
    server::serve(listener, router, stopped).await
}

async fn guard(State(host): State<HeaderValue>, request: Request, next: Next) -> Response {
    if !has_host(&host, &request) || !is_presigned(&request) || !is_allowed(&request) {
        return prevent_execution(
            (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "application/xml")], ACCESS_DENIED).into_response(),
        );
    }
    prevent_execution(next.run(request).await)
}

/// Whether the only `Host` header, and an absolute request target, name this port's address.
fn has_host(host: &HeaderValue, request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let is_target = request.uri().authority().is_none_or(|authority| authority.as_str().as_bytes() == host.as_bytes());
    hosts.next() == Some(host) && hosts.next().is_none() && is_target
}

/// Whether the query, and no header, carries a signature.
fn is_presigned(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let is_signed = query.split('&').any(|pair| pair.starts_with("X-Amz-Signature="));
    is_signed && !request.headers().contains_key(AUTHORIZATION)
}

/// Whether the method is a download, an upload, or a CORS preflight for one of them.
fn is_allowed(request: &Request) -> bool {
    let allowed = [Method::GET, Method::PUT];
    if request.method() != Method::OPTIONS {
        return allowed.contains(request.method());
    }
    let requested = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD);
    let is_allowed = requested
        .is_some_and(|requested| allowed.iter().any(|method| method.as_str().as_bytes() == requested.as_bytes()));
    is_allowed && request.headers().contains_key(ORIGIN)
}

/// Adds the headers that keep a browser from executing the content.
fn prevent_execution(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let inert = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_inert);
    if !inert {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
        headers.insert(CONTENT_DISPOSITION, attachment(headers));
    }
    response
}

/// `Content-Disposition: attachment` with the file name of the existing header, if any.
fn attachment(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(CONTENT_DISPOSITION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = given.split_once(';').map(|(_, name)| format!("attachment;{name}"));
    let value = name.and_then(|value| HeaderValue::try_from(value).ok());
    value.unwrap_or(HeaderValue::from_static("attachment"))
}
