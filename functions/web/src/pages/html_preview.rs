//! `/files/{id}/frame`: an HTML file for the frame that previews it. Its policy forbids scripts, requests, forms and
//! links that would replace the page around it.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::FileId;

use crate::extract::Visitor;
use crate::files::content;
use crate::response::PageError;

const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// `GET /files/{id}/frame`
pub async fn html_preview(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<FileId>,
) -> Result<Response, PageError> {
    let file = app.store.files().get(&human, id).await?;
    if file.size > content::MAX_SHOWN_BYTES {
        return Err(Error::NotFound("page").into());
    }
    let text = content::text(&app.blobs, &file).await?.ok_or(Error::NotFound("page"))?;
    let headers = [(CONTENT_SECURITY_POLICY, POLICY), (REFERRER_POLICY, "no-referrer")];
    Ok((headers, Html(text)).into_response())
}
