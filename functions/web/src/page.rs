//! HTML responses.

use askama::Template;

use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, OriginalUri, Request};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::auth::{HumanCaller, remove_session};
use shared::body;
use shared::error::Error;
use shared::http::Rendered;
use shared::origin::Sender;
use shared::site::{Place, Site};
use shared::storage::{Blobs, Store};

use crate::answer::Typed;

/// Our own scripts and styles, nothing from elsewhere but the files that lie in the bucket, no
/// framing, and no URL of a page in anybody's Referer.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: BUCKET; \
    media-src 'self' BUCKET; frame-src 'self' BUCKET; connect-src 'self' BUCKET; manifest-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A rendered page.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, PageError> {
    Ok(html(status, template.render().map_err(Error::internal)?))
}

/// A page that was rendered before.
pub fn html(status: StatusCode, html: impl Into<Body>) -> Response {
    (status, Html(html.into())).into_response()
}

/// Around all pages: their policy, and the way back to the page that somebody wanted who has to
/// sign in first.
pub async fn frame(
    Extension(blobs): Extension<Blobs>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let wanted = (request.method() == Method::GET).then(|| uri.path_and_query().map(|it| it.as_str().to_owned()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.get(LOCATION).is_some_and(|it| it == SIGN_IN) {
        let back = sign_in_for(wanted.flatten().as_deref().unwrap_or("/"));
        headers.insert(LOCATION, back);
        return response;
    }
    let bucket = blobs.origin().await.unwrap_or_default();
    if let Ok(policy) = HeaderValue::from_str(&POLICY.replace("BUCKET", bucket)) {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// Around people's pages: they are served at the inbox's host alone. At another one a page leads
/// there, if whoever asks may learn where that is, and takes along what an earlier version left: a
/// cookie that the browser sends to every port of this host.
pub async fn at_inbox(
    Extension(site): Extension<Site>,
    Extension(place): Extension<Place>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    if place == Place::Inbox {
        return next.run(request).await;
    }
    let inbox = request.method().is_safe().then(|| site.inbox_for(request.extensions())).flatten();
    match inbox {
        Some(inbox) => {
            let path = uri.path_and_query().map_or("/", |it| it.as_str());
            let there = Redirect::temporary(&format!("{inbox}{path}"));
            (remove_session(request.headers()), there).into_response()
        }
        None => PageError::from(Error::NotAtInbox).into_response(),
    }
}

/// As much as a framework's form holds by itself.
const MAX_FORM: usize = 2 * 1024 * 1024;
const SIGN_IN: &str = "/login";

/// The sign-in page that leads on to `path`.
fn sign_in_for(path: &str) -> HeaderValue {
    let to = match path {
        "/" => SIGN_IN.to_owned(),
        path => format!("{SIGN_IN}?next={}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
    };
    HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static(SIGN_IN))
}

/// A path of ours that somebody may be sent to, whoever made the link to it.
pub fn own_path(next: Option<&str>) -> &str {
    let own =
        |path: &&str| path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && !path.contains(char::is_control);
    next.filter(own).unwrap_or("/")
}

/// An error as a person sees it: the sign-in page when that is what is missing, else a page that
/// says what is wrong.
#[derive(Debug)]
pub enum PageError {
    Of(Error),
    /// Somebody else knows the password: it is changed before anything is shown.
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
            Error::NotFound(_) | Error::NotYourAgent => "There is nothing here that you may see.".to_owned(),
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

/// A person who looks at a page, or is sent to sign in.
pub struct Visitor(pub HumanCaller);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let human = <HumanCaller as FromRequestParts<S>>::from_request_parts(parts, state).await;
        Ok(Self(human?))
    }
}

/// More than any form of ours has: a review offers at most 500 options or fields.
const MOST_FIELDS: usize = 2_000;

/// The fields of a submitted form.
pub struct Submitted(pub Typed);

impl<S> FromRequest<S> for Submitted
where
    S: Send + Sync,
    Store: FromRef<S>,
{
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts, body, state, MAX_FORM, "A form may have at most 2 MiB.").await?;
        let request = Request::from_parts(parts, Body::from(bytes));
        match Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(Form(fields)) if fields.len() > MOST_FIELDS => {
                Err(Error::TooLarge(format!("A form may have at most {MOST_FIELDS} fields.")).into())
            }
            Ok(Form(fields)) => {
                // Browsers write line ends as CRLF, in names as in values.
                let plain = |text: String| text.replace("\r\n", "\n");
                Ok(Self(Typed(fields.into_iter().map(|(name, value)| (plain(name), plain(value))).collect())))
            }
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
        match Sender::of(&parts.headers) {
            Sender::OwnPage => Ok(Self),
            Sender::ForeignPage | Sender::NoPage => Err(Error::ForeignForm.into()),
        }
    }
}
