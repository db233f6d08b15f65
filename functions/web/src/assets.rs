//! `GET /assets/{name}`: the files of `web/assets`, and the scripts of `web/scripts` joined into one file. They are
//! compiled in, also compressed.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use shared::error::Error;

use crate::response::accepts_gzip;

struct Asset {
    name: &'static str,
    /// The content type.
    kind: &'static str,
    /// Changes with the bytes.
    version: &'static str,
    /// Its hash, as pages state it for scripts.
    integrity: &'static str,
    bytes: &'static [u8],
    /// The same, compressed; none where that gains nothing.
    gzip: Option<&'static [u8]>,
}

/// The build script writes the table.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    fn named(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }
}

/// The URL of an asset, which changes with its bytes.
pub fn url(name: &str) -> String {
    let version = Asset::named(name).map_or("", |asset| asset.version);
    format!("/assets/{name}?v={version}")
}

/// The hash of an asset, as the attribute `integrity` has it.
pub fn integrity(name: &str) -> &'static str {
    Asset::named(name).map_or("", |asset| asset.integrity)
}

/// A small asset as a `data:` URL, which takes no request.
pub fn data_url(name: &str) -> String {
    let Some(asset) = Asset::named(name) else { return String::new() };
    format!("data:{},{}", asset.kind, percent_encode(asset.bytes, NON_ALPHANUMERIC))
}

/// `GET /assets/{name}`: kept for a year under its current version, for five minutes otherwise.
pub async fn asset(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Error> {
    let asset = Asset::named(&name).ok_or(Error::NotFound("file"))?;
    let mut response = match asset.gzip.filter(|_| accepts_gzip(&headers)) {
        Some(bytes) => ([(CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => asset.bytes.into_response(),
    };
    let is_versioned = query.is_some_and(|query| query == format!("v={}", asset.version));
    let caching = if is_versioned { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}
