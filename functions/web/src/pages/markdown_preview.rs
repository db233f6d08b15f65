//! `POST /preview`: the HTML of a Markdown text, for the preview of an answer.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::extract::{SameOriginForm, SubmittedForm, Visitor};
use crate::response::{self, PageError};
use crate::text::budget;
use crate::text::markdown::{self, Text};

#[derive(Template)]
#[template(path = "components/text.html")]
struct Preview {
    text: Text,
}

/// `POST /preview`
pub async fn preview(
    _: Visitor,
    _: SameOriginForm,
    SubmittedForm(typed): SubmittedForm,
) -> Result<Response, PageError> {
    let text = typed.first("text").unwrap_or_default().to_owned();
    let text = budget::spend(text.len(), |budget| markdown::lay_out(text, &[], budget)).await?;
    response::page(StatusCode::OK, &Preview { text })
}
