//! Responses that carry a file.

use axum::response::{IntoResponse, Response};
use http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use shared::app::App;
use shared::error::Error;
use shared::extract::MAX_FILE;
use shared::models::Attachment;
use shared::models::file::{UNKNOWN_TYPE, is_inert};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A file's bytes, as the document shows them: of any type.
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        bytes.description(Some("The file's bytes, under the media type it was stored with")).into()
    }
}

impl ToSchema for FileBytes {}

/// The bytes, or where to get them when they do not fit a response.
pub async fn file(app: &App, file: &Attachment, request: &HeaderMap) -> Result<Response, Error> {
    if file.size > MAX_FILE as u64 || (has_own_scripts(file) && app.site.is_hidden(request)) {
        let url = app.blobs.url(file).await?;
        return Ok((StatusCode::FOUND, [(LOCATION, url)]).into_response());
    }
    let stored = app.blobs.get(&file.storage_key).await?;
    let etag = stored.etag.as_deref().and_then(header);
    if let Some(etag) = etag.clone().filter(|etag| is_known(etag, request)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let bytes = stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, header(&file.mime_type).unwrap_or(HeaderValue::from_static(UNKNOWN_TYPE)));
    headers.insert(CONTENT_LENGTH, file.size.into());
    headers.extend(header(&file.content_disposition()).map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(etag.map(|value| (ETAG, value)));
    if !is_inert(&file.mime_type) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
    Ok(response)
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

/// Whether a browser runs scripts of this file where it shows it, and tells them its address.
/// Viewers of PDF do, and a sandbox would keep them from showing anything.
fn has_own_scripts(file: &Attachment) -> bool {
    file.mime_type.to_ascii_lowercase().contains("pdf")
}
