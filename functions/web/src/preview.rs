//! `POST /preview`: what a text will look like, as a piece of a page.

use axum::response::{Html, IntoResponse, Response};

use crate::markdown;
use crate::page::{OwnForm, PageError, Submitted, Visitor};

pub async fn preview(_: Visitor, _: OwnForm, Submitted(typed): Submitted) -> Result<Response, PageError> {
    Ok(Html(markdown::html(typed.first("text").unwrap_or_default(), &[])).into_response())
}
