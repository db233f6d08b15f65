//! HTML is sent compressed: neither Lambda nor the gateway does it. Pages contain no token that a form returns, so the
//! length of a compressed page gives nothing away that an attacker could use.

use std::io::{self, Write};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use shared::error::Error;

use crate::response::accepts_gzip;

/// Below this many bytes a response fits one packet anyway.
const MIN_BYTES: usize = 1_000;
/// A rendered page is in memory already, so it is read without a limit of its own.
const MAX_BYTES: usize = usize::MAX;

/// Compresses responses of HTML for browsers that accept gzip.
pub async fn compress_html(request: Request, next: Next) -> Response {
    let is_accepted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    if !is_html(response.headers()) || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    if !is_accepted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BYTES).await else {
        return Error::internal("the body of a page could not be read").into_response();
    };
    match Some(&bytes).filter(|bytes| bytes.len() >= MIN_BYTES).and_then(|bytes| gzip(bytes).ok()) {
        Some(compressed) => {
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(compressed))
        }
        None => Response::from_parts(parts, Body::from(bytes)),
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/html"))
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(5));
    encoder.write_all(bytes)?;
    encoder.finish()
}
