//! HTML responses.

use askama::Template;
use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::Rendered;

use crate::answer::Typed;

/// No scripts, nothing from elsewhere, no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// A rendered page.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    Ok(html(status, template.render().map_err(Error::internal)?))
}

/// A page that was rendered before.
pub fn html(status: StatusCode, html: impl Into<Body>) -> Response {
    let mut response = (status, Html(html.into())).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// An error as a person sees it: the sign-in page when that is what is missing, else a page that
/// says what is wrong.
pub struct PageError(Error);

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    sentence: String,
    again: bool,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        if matches!(error, Error::NoSession) {
            return Redirect::to("/login").into_response();
        }
        let sentence = match error {
            Error::NotFound(_) | Error::NotYourAgent => "There is nothing here that you may see.".to_owned(),
            ref other => other.to_string(),
        };
        let shown = ErrorPage { sentence, again: error.retry_after().is_some() };
        match page(error.status(), &shown) {
            Ok(mut response) => {
                response.extensions_mut().insert(Rendered(error));
                response
            }
            Err(Self(rendering)) => rendering.into_response(),
        }
    }
}

/// A person who looks at a page, or is sent to sign in.
pub struct Visitor(pub HumanCaller);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        Ok(Self(HumanCaller::from_request_parts(parts, state).await?))
    }
}

/// The fields of a submitted form.
pub struct Submitted(pub Typed);

impl<S: Send + Sync> FromRequest<S> for Submitted {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(Typed(fields))),
            Err(rejection) => Err(Error::of_framework(rejection.status()).into()),
        }
    }
}

/// A form that one of our own pages sent. Browsers say where a form comes from, and a page of
/// another site cannot change what they say; the cookie's SameSite=Lax is the other half.
pub struct OwnForm;

impl<S: Send + Sync> FromRequestParts<S> for OwnForm {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        if is_own(&parts.headers) { Ok(Self) } else { Err(Error::ForeignForm.into()) }
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |value: Option<&HeaderValue>| value.and_then(|it| it.to_str().ok()).map(str::to_owned);
    match text(headers.get("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let origin = text(headers.get(ORIGIN));
            let sender = origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, host)| host.to_owned());
            sender.is_some() && sender == text(headers.get(HOST))
        }
    }
}
