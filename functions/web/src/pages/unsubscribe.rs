//! `/unsubscribe/{token}`: ends the e-mails to one person. Mail programs send the POST by themselves (RFC 8058), without a
//! session; the token names the person. A GET changes nothing.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::models::mail_link::UnsubscribeLink;
use shared::models::notifications::EmailEndReason;

use crate::response::{self, PageError};

#[derive(Template)]
#[template(path = "pages/unsubscribe.html")]
struct UnsubscribePage {
    is_done: bool,
}

/// `GET /unsubscribe/{token}`
pub async fn page(State(app): State<App>, PathId(token): PathId<String>) -> Result<Response, PageError> {
    UnsubscribeLink::verified(&token, &app.secrets).ok_or(Error::NotFound("link"))?;
    response::page(StatusCode::OK, &UnsubscribePage { is_done: false })
}

/// `POST /unsubscribe/{token}`
pub async fn unsubscribe(State(app): State<App>, PathId(token): PathId<String>) -> Result<Response, PageError> {
    let UnsubscribeLink(user) = UnsubscribeLink::verified(&token, &app.secrets).ok_or(Error::NotFound("link"))?;
    if !app.store.accounts().end_email(user, None, EmailEndReason::Unsubscribed).await? {
        return Err(Error::NotFound("link").into());
    }
    response::page(StatusCode::OK, &UnsubscribePage { is_done: true })
}
