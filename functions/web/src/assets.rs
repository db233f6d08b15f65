//! `GET /assets/{name}`: the files of `web/assets`, compiled in, compressed for whoever takes that.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::LazyLock;

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use shared::error::Error;

struct Asset {
    kind: &'static str,
    bytes: &'static [u8],
    /// Changes with the bytes.
    version: String,
    /// The same, compressed; none where that gains nothing.
    gzip: LazyLock<Option<Vec<u8>>, Compressing>,
}

type Compressing = Box<dyn FnOnce() -> Option<Vec<u8>> + Send + Sync>;

macro_rules! assets {
    ($($name:literal, $kind:literal;)+) => {
        HashMap::from([$(($name, Asset::of($kind, include_bytes!(concat!("../../../web/assets/", $name))))),+])
    };
}

static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    assets! {
        "style.css", "text/css; charset=utf-8";
        "docs.css", "text/css; charset=utf-8";
        "pages.css", "text/css; charset=utf-8";
        "icon.svg", "image/svg+xml";
        "icon-180.png", "image/png";
        "icon-192.png", "image/png";
        "icon-512.png", "image/png";
        "app.webmanifest", "application/manifest+json";
        "vendor/htmx-2.0.11.min.js", "text/javascript; charset=utf-8";
        "plugin-host.js", "text/javascript; charset=utf-8";
        "live.js", "text/javascript; charset=utf-8";
        "inbox.js", "text/javascript; charset=utf-8";
        "fields.js", "text/javascript; charset=utf-8";
        "answer.js", "text/javascript; charset=utf-8";
        "copy.js", "text/javascript; charset=utf-8";
        "withdrawn.js", "text/javascript; charset=utf-8";
        "channel.js", "text/javascript; charset=utf-8";
        "api-forms.js", "text/javascript; charset=utf-8";
        "upload.js", "text/javascript; charset=utf-8";
        "files.js", "text/javascript; charset=utf-8";
        "logs.js", "text/javascript; charset=utf-8";
        "settings.js", "text/javascript; charset=utf-8";
        "plugins.js", "text/javascript; charset=utf-8";
    }
});

impl Asset {
    fn of(kind: &'static str, bytes: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());
        Self { kind, bytes, version, gzip: LazyLock::new(Box::new(move || smaller(bytes))) }
    }
}

fn smaller(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().filter(|it| it.len() < bytes.len())
}

/// The URL of an asset, good for as long as its bytes are these.
pub fn url(name: &str) -> String {
    let version = ASSETS.get(name).map_or("", |asset| asset.version.as_str());
    format!("/assets/{name}?v={version}")
}

pub async fn asset(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, Error> {
    let asset = ASSETS.get(name.as_str()).ok_or(Error::NotFound("file"))?;
    let takes_gzip = headers.get(ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("gzip"));
    let mut response = match asset.gzip.as_deref().filter(|_| takes_gzip) {
        Some(bytes) => ([(CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => asset.bytes.into_response(),
    };
    let versioned = query.is_some_and(|query| query == format!("v={}", asset.version));
    let kept = if versioned { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}
