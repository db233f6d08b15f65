//! `/messages/{id}/text`: a long text alone, as plain text.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use shared::app::App;
use shared::error::Error;
use shared::extract::PathId;
use shared::ids::MessageId;

use crate::page::{PageError, Visitor};

pub async fn text(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<MessageId>,
) -> Result<Response, PageError> {
    let opened = app.store.messages().load(&human, id.channel(), id).await;
    let (_, message) = opened.map_err(|err| err.or_not_found("page"))?;
    let text = message.text.ok_or(Error::NotFound("page"))?;
    let headers = [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")];
    Ok((headers, text).into_response())
}
