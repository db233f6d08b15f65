//! `POST /preview`: what a text will look like, as a piece of a page.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::markdown::{self, Text};
use crate::page::{OwnForm, PageError, Submitted, Visitor};
use crate::{budget, page};

#[derive(Template)]
#[template(path = "components/text.html")]
struct Preview {
    text: Text,
}

pub async fn preview(_: Visitor, _: OwnForm, Submitted(typed): Submitted) -> Result<Response, PageError> {
    let text = typed.first("text").unwrap_or_default().to_owned();
    let text = budget::spend(text.len(), |budget| markdown::lay_out(text, &[], budget)).await?;
    page::page(StatusCode::OK, &Preview { text })
}
