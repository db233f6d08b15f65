//! The headers of every page, and the way back to a page after signing in.

use axum::Extension;
use axum::extract::{OriginalUri, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::http::origin;
use shared::storage::Blobs;

use crate::assets;
use crate::response::SIGN_IN;

/// Adds the content security policy, and keeps the addresses of pages out of the Referer of other sites. A redirect to
/// the sign-in page names the page that was requested.
pub async fn security_headers(
    Extension(blobs): Extension<Blobs>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let origin = origin::of(request.headers());
    let requested = (request.method() == Method::GET).then(|| uri.path_and_query().map(|it| it.as_str().to_owned()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.get(LOCATION).is_some_and(|it| it == SIGN_IN) {
        let back = sign_in_for(requested.flatten().as_deref().unwrap_or("/"));
        headers.insert(LOCATION, back);
        return response;
    }
    let bucket = blobs.origin().await.unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&policy(origin.as_deref(), bucket)) {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// The script of this site by its hash, styles of this site only, files from the bucket, icons inside of the page, no
/// framing. Agents' files are served by this site too, so no other address of it is a script or a worker. The script's
/// address is for browsers that do not match files by their hash.
fn policy(origin: Option<&str>, bucket: &str) -> String {
    let (hash, site) = (assets::integrity("app.js"), origin.unwrap_or("https://unknown.invalid"));
    format!(
        "default-src 'none'; script-src '{hash}' {site}/assets/app.js; worker-src {site}/sw.js; style-src 'self'; \
         img-src 'self' blob: data: {bucket}; media-src 'self' {bucket}; frame-src 'self' {bucket}; \
         connect-src 'self' {bucket}; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The address of the sign-in page that leads on to `path`.
fn sign_in_for(path: &str) -> HeaderValue {
    let to = match path {
        "/" => SIGN_IN.to_owned(),
        path => format!("{SIGN_IN}?next={}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
    };
    HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static(SIGN_IN))
}
