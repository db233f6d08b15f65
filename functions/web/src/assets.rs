//! `GET /assets/{name}`: the files of `web/assets`, and the scripts of `web/scripts` joined into one file. They are
//! compiled in, also compressed. `GET /sw.js` is the service worker, joined from `web/worker`.

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

const WORKER: &str = "sw.js";
const SHORTLY: &str = "public, max-age=300";

impl Asset {
    fn response(&self, request: &HeaderMap, caching: &'static str) -> Response {
        let mut response = match self.gzip.filter(|_| accepts_gzip(request)) {
            Some(bytes) => ([(CONTENT_ENCODING, "gzip")], bytes).into_response(),
            None => self.bytes.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

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
    // The service worker rules the paths below its own.
    let asset = Asset::named(&name).filter(|asset| asset.name != WORKER).ok_or(Error::NotFound("file"))?;
    let is_versioned = query.is_some_and(|query| query == format!("v={}", asset.version));
    Ok(asset.response(&headers, if is_versioned { "public, max-age=31536000, immutable" } else { SHORTLY }))
}

/// `GET /sw.js`: the service worker. Browsers ask for a newer one at each visit.
pub async fn service_worker(headers: HeaderMap) -> Result<Response, Error> {
    Ok(Asset::named(WORKER).ok_or(Error::NotFound("file"))?.response(&headers, "no-cache"))
}

/// `GET /app.webmanifest`: how browsers install the inbox as an app.
pub async fn manifest(headers: HeaderMap) -> Result<Response, Error> {
    Ok(Asset::named("app.webmanifest").ok_or(Error::NotFound("file"))?.response(&headers, SHORTLY))
}
