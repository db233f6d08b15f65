//! HTML responses: rendered pages, and errors as pages; whether they may be compressed.

use askama::Template;
use axum::body::Body;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, StatusCode};
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
    /// An error at a page of the inbox, whose link leads back to the view with this query.
    InList { error: Error, query: String },
    /// The person signed in with a temporary password and has to choose their own first.
    PasswordFirst,
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self::Of(error)
    }
}

impl PageError {
    /// The error, with a link back to the view of the inbox that has this query.
    pub fn in_list(self, query: &str) -> Self {
        match self {
            Self::Of(error) => Self::InList { error, query: query.to_owned() },
            other => other,
        }
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    sentence: String,
    again: bool,
    /// The address of the inbox, if it is at this host.
    inbox: Option<String>,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (error, query) = match self {
            Self::PasswordFirst => return Redirect::to("/password").into_response(),
            Self::Of(error) => (error, String::new()),
            Self::InList { error, query } => (error, query),
        };
        if matches!(error, Error::NoSession) {
            return Redirect::to(SIGN_IN).into_response();
        }
        let sentence = match error {
            Error::NotFound(_) | Error::NotYourAgent => "This page does not exist, or you may not see it.".to_owned(),
            ref other => other.to_string(),
        };
        let inbox = Some(format!("/{query}")).filter(|_| !matches!(error, Error::NotAtInbox));
        let shown = ErrorPage { sentence, again: error.retry_after().is_some(), inbox };
        match page(error.status(), &shown) {
            Ok(mut response) => {
                response.extensions_mut().insert(Rendered(error));
                response
            }
            Err(Self::Of(rendering) | Self::InList { error: rendering, .. }) => rendering.into_response(),
            Err(other) => other.into_response(),
        }
    }
}

/// Whether a client accepts gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT_ENCODING).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("gzip"))
}
