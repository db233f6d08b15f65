//! `/files/{id}/frame`: an HTML file inside its frame. It may show itself and nothing else: no
//! script, no request, no form, no link that leads the page around it away.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use shared::app::App;
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::FileId;

use crate::attachment;
use crate::page::{PageError, Visitor};

const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

pub async fn frame(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<FileId>,
) -> Result<Response, PageError> {
    let file = app.store.files().get(&human, id).await?;
    if file.size > attachment::MOST {
        return Err(Error::NotFound("page").into());
    }
    let text = attachment::text(&app.blobs, &file).await?.ok_or(Error::NotFound("page"))?;
    let headers = [(CONTENT_SECURITY_POLICY, POLICY), (REFERRER_POLICY, "no-referrer")];
    Ok((headers, Html(text)).into_response())
}
