//! Responses that carry a file.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, LOCATION,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use shared::error::Error;
use shared::http::App;
use shared::media_type::UNKNOWN_TYPE;
use shared::models::Attachment;
use shared::models::file::MAX_FILE;
use shared::models::file::is_inert;
use shared::storage::Stored;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::range::{self, Wanted};

/// A file's bytes, as the document shows them: of any type.
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        bytes.description(Some("The file's bytes, under the media type it was stored with")).into()
    }
}

impl ToSchema for FileBytes {}

/// How a file is asked for.
pub struct Asked {
    method: Method,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { method: parts.method.clone(), headers: parts.headers.clone() })
    }
}

/// The bytes or a part of them, or where to get them when they do not fit a response. Storage
/// serves parts by itself.
pub async fn file(app: &App, file: &Attachment, asked: &Asked) -> Result<Response, Error> {
    if file.size > MAX_FILE as u64 || (has_own_scripts(file) && app.site.is_hidden(&asked.headers)) {
        let url = app.blobs.url(file).await?;
        return Ok((StatusCode::FOUND, [(LOCATION, url)]).into_response());
    }
    if asked.method == Method::HEAD {
        let etag = app.blobs.etag(&file.storage_key).await?.as_deref().and_then(header);
        return Ok(known(etag.as_ref(), asked).unwrap_or_else(|| whole(file, etag, Bytes::new())));
    }
    let part = match range::wanted(&asked.headers, file.size) {
        Wanted::Whole => None,
        Wanted::Part(first, last) => Some((first, last)),
        Wanted::Nothing => return nothing(app, file, asked).await,
    };
    let stored = app.blobs.get_part(&file.storage_key, part).await?;
    let etag = stored.etag.as_deref().and_then(header);
    if let Some(known) = known(etag.as_ref(), asked) {
        return Ok(known);
    }
    if part.is_some() && !range::is_of(&asked.headers, etag.as_ref().map(HeaderValue::as_bytes)) {
        let stored = app.blobs.get(&file.storage_key).await?;
        return Ok(whole(file, etag, read(stored).await?));
    }
    let mut response = whole(file, etag, read(stored).await?);
    if let Some((first, last)) = part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response.headers_mut().insert(CONTENT_LENGTH, (last - first + 1).into());
        let range = header(&format!("bytes {first}-{last}/{}", file.size));
        response.headers_mut().extend(range.map(|value| (CONTENT_RANGE, value)));
    }
    Ok(response)
}

/// The refusal of a range that is not in the file, unless the caller's bytes are of another file
/// or the caller has them all.
async fn nothing(app: &App, file: &Attachment, asked: &Asked) -> Result<Response, Error> {
    let etag = app.blobs.etag(&file.storage_key).await?.as_deref().and_then(header);
    if let Some(known) = known(etag.as_ref(), asked) {
        return Ok(known);
    }
    if !range::is_of(&asked.headers, etag.as_ref().map(HeaderValue::as_bytes)) {
        let stored = app.blobs.get(&file.storage_key).await?;
        return Ok(whole(file, etag, read(stored).await?));
    }
    let mut response = Error::RangeNotSatisfiable(file.size).into_response();
    let size = header(&format!("bytes */{}", file.size));
    response.headers_mut().extend(size.map(|value| (CONTENT_RANGE, value)));
    Ok(response)
}

/// The answer to a caller who has these bytes already.
fn known(etag: Option<&HeaderValue>, asked: &Asked) -> Option<Response> {
    let etag = etag.filter(|etag| is_known(etag, &asked.headers))?;
    Some((StatusCode::NOT_MODIFIED, [(ETAG, etag.clone())]).into_response())
}

async fn read(stored: Stored) -> Result<Bytes, Error> {
    Ok(stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes())
}

fn whole(file: &Attachment, etag: Option<HeaderValue>, bytes: Bytes) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, header(&file.mime_type).unwrap_or(HeaderValue::from_static(UNKNOWN_TYPE)));
    headers.insert(CONTENT_LENGTH, file.size.into());
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(header(&file.content_disposition()).map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(etag.map(|value| (ETAG, value)));
    if !is_inert(&file.mime_type) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
    response
}

fn header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// Whether the caller has these bytes already: its If-None-Match names them. Bytes of a file
/// never change, so a weak tag says as much as a strong one.
fn is_known(etag: &HeaderValue, request: &HeaderMap) -> bool {
    let given = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}

/// Whether a browser would run scripts of this file, which could read its address.
/// Viewers of PDF do, and a sandbox would keep them from showing anything.
fn has_own_scripts(file: &Attachment) -> bool {
    file.mime_type.to_ascii_lowercase().contains("pdf")
}
