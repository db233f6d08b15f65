//! HTML responses: rendered pages, and errors as pages.

use askama::Template;
use axum::body::Body;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use shared::error::Error;
use shared::http::Rendered;

/// Where people sign in.
pub const SIGN_IN: &str = "/login";

/// A rendered page.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    Ok(html(status, template.render().map_err(Error::internal)?))
}

/// A response of HTML that is rendered already.
pub fn html(status: StatusCode, html: impl Into<Body>) -> Response {
    (status, Html(html.into())).into_response()
}

/// An error as a page: a redirect to the sign-in page when there is no session, else a page that says what is wrong.
#[derive(Debug)]
pub enum PageError {
    /// Any other error.
    Of(Error),
    /// The person signed in with a temporary password and has to choose their own first.
    PasswordFirst,
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self::Of(error)
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    sentence: String,
    again: bool,
    /// Whether the inbox is at this host.
    leads_home: bool,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let error = match self {
            Self::PasswordFirst => return Redirect::to("/password").into_response(),
            Self::Of(Error::NoSession) => return Redirect::to(SIGN_IN).into_response(),
            Self::Of(error) => error,
        };
        let sentence = match error {
            Error::NotFound(_) | Error::NotYourAgent => "This page does not exist, or you may not see it.".to_owned(),
            ref other => other.to_string(),
        };
        let leads_home = !matches!(error, Error::NotAtInbox);
        let shown = ErrorPage { sentence, again: error.retry_after().is_some(), leads_home };
        match page(error.status(), &shown) {
            Ok(mut response) => {
                response.extensions_mut().insert(Rendered(error));
                response
            }
            Err(Self::Of(rendering)) => rendering.into_response(),
            Err(other) => other.into_response(),
        }
    }
}
