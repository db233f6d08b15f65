//! `GET /api/v1/files/{id}/download` and `GET /api/files/{id}/download`: the bytes, or where to
//! get them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use shared::app::App;
use shared::auth::{AgentCaller, Caller, HumanCaller};
use shared::error::Error;
use shared::extract::{MAX_FILE, PathId};
use shared::ids::FileId;
use shared::models::Attachment;
use shared::models::file::UNKNOWN_TYPE;

pub async fn for_agent(
    State(app): State<App>,
    agent: AgentCaller,
    PathId(id): PathId<FileId>,
) -> Result<Response, Error> {
    download(&app, (&agent).into(), id).await
}

pub async fn for_human(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<FileId>,
) -> Result<Response, Error> {
    download(&app, (&human).into(), id).await
}

async fn download(app: &App, caller: Caller, id: Option<FileId>) -> Result<Response, Error> {
    let file = app.store.file(caller, id).await?;
    let disposition = file.content_disposition();
    if file.size > MAX_FILE as u64 {
        let url = app.blobs.url(&file, &disposition).await?;
        return Ok((StatusCode::FOUND, [(LOCATION, url)]).into_response());
    }
    let stored = app.blobs.get(&file.storage_key).await?;
    let bytes = stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, header(&file.mime_type).unwrap_or(HeaderValue::from_static(UNKNOWN_TYPE)));
    headers.insert(CONTENT_LENGTH, file.size.into());
    headers.extend(header(&disposition).map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(stored.etag.as_deref().and_then(header).map(|value| (ETAG, value)));
    if !is_inert(&file) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
    Ok(response)
}

fn header(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// Whether a browser only shows a file of this type, whoever wrote it. Anything else is shown in
/// a sandbox: it comes from our own origin.
fn is_inert(file: &Attachment) -> bool {
    let mime = file.mime_type.to_ascii_lowercase();
    let shown = ["image/", "audio/", "video/", "application/pdf", "text/plain"];
    shown.iter().any(|prefix| mime.starts_with(prefix)) && !mime.starts_with("image/svg")
}
