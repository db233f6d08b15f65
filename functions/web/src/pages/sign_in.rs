//! `/login`, `/logout` and `/password`

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::origin::client_of;
use shared::http::session_cookie::{keep_session, remove_session};
use shared::models::{ChangePassword, Credentials, SourceAddress};
use shared::secrets::Device;
use shared::storage::Store;

use crate::extract::{SameOriginForm, SubmittedForm, Visitor};
use crate::response::{self, PageError};

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInPage {
    email: String,
    /// Where to go once signed in.
    next: String,
    problem: Option<String>,
}

/// The query of the sign-in page.
#[derive(Deserialize)]
pub struct SignInQuery {
    next: Option<String>,
}

/// `GET /login`
pub async fn page(Query(wanted): Query<SignInQuery>) -> Result<Response, PageError> {
    let next = local_path(wanted.next.as_deref()).to_owned();
    response::page(StatusCode::OK, &SignInPage { email: String::new(), next, problem: None })
}

/// `POST /login`
pub async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    source: Option<Extension<SourceAddress>>,
    _: SameOriginForm,
    SubmittedForm(typed): SubmittedForm,
) -> Result<Response, PageError> {
    let presented = Device::presented(&headers, &app.secrets, app.clock.now());
    let text = |name| typed.first(name).unwrap_or_default();
    let next = local_path(typed.first("next"));
    let signed_in = match Credentials::typed(text("email"), text("password")) {
        Some(credentials) => {
            let source = source.map(|it| it.0);
            app.store.accounts().sign_in(credentials, &presented, source, client_of(&headers, source)).await
        }
        None => Err(Error::WrongPassword),
    };
    let (error, problem) = match signed_in {
        Ok((session, device)) => {
            let mut response = (keep_session(&headers, session), Redirect::to(next)).into_response();
            app.remember(&device, &headers, response.headers_mut())?;
            return Ok(response);
        }
        Err(error) => {
            let sentence = match &error {
                Error::TooManyTries { retry_after_seconds } => too_many_sign_ins(*retry_after_seconds),
                Error::WrongPassword | Error::TooManyRequests { .. } => error.to_string(),
                _ => return Err(error.into()),
            };
            (error, sentence)
        }
    };
    let shown = SignInPage { email: text("email").to_owned(), next: next.to_owned(), problem: Some(problem) };
    let mut response = response::page(error.status(), &shown)?;
    response.headers_mut().extend(error.retry_after().map(|seconds| (RETRY_AFTER, seconds.into())));
    Ok(response)
}

/// `POST /logout`
pub async fn sign_out(
    State(store): State<Store>,
    headers: HeaderMap,
    _: SameOriginForm,
) -> Result<Response, PageError> {
    if let Some(human) = HumanCaller::of(&headers) {
        store.accounts().delete_session(&human).await?;
    }
    Ok((remove_session(&headers), Redirect::to("/login")).into_response())
}

/// The sentence for a browser that may not sign in for a while.
fn too_many_sign_ins(seconds: u64) -> String {
    format!(
        "Too many failed attempts for this e-mail address: no sign-in is possible for now, not even with the right password. \
         Use a browser in which you have signed in before, or try again in {} min.",
        minutes(seconds)
    )
}

fn minutes(seconds: u64) -> u64 {
    seconds.div_ceil(60)
}

#[derive(Template)]
#[template(path = "pages/password.html")]
struct PasswordPage {
    email: String,
    /// Whether the current password is temporary.
    must: bool,
    problem: Option<String>,
}

/// `GET /password`
pub async fn password_page(State(store): State<Store>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let user = store.accounts().me(&human).await?;
    response::page(StatusCode::OK, &PasswordPage { email: user.email, must: user.must_change_password, problem: None })
}

/// `POST /password`
pub async fn change_password(
    State(app): State<App>,
    Visitor(human): Visitor,
    headers: HeaderMap,
    _: SameOriginForm,
    SubmittedForm(typed): SubmittedForm,
) -> Result<Response, PageError> {
    let presented = Device::presented(&headers, &app.secrets, app.clock.now());
    let text = |name| typed.first(name).unwrap_or_default();
    let problem = match ChangePassword::typed(text("current"), text("new")) {
        _ if text("new") != text("again") => "The new passwords are not the same.".to_owned(),
        Err(weakness) => format!("{}.", weakness.sentence("The new password")),
        Ok(change) => match app.store.accounts().change_password(&human, change, &presented).await {
            Ok(device) => {
                let mut response = Redirect::to("/").into_response();
                app.remember(&device, &headers, response.headers_mut())?;
                return Ok(response);
            }
            Err(Error::TooManyTries { retry_after_seconds }) => {
                format!("Too many wrong passwords. Try again in {} min.", minutes(retry_after_seconds))
            }
            Err(Error::WrongPassword) => "The current password is wrong.".to_owned(),
            Err(other) => return Err(other.into()),
        },
    };
    let user = app.store.accounts().me(&human).await?;
    let shown = PasswordPage { email: user.email, must: user.must_change_password, problem: Some(problem) };
    response::page(StatusCode::BAD_REQUEST, &shown)
}

/// A path of this site to redirect to; anything else, which a link from elsewhere may name, becomes `/`.
fn local_path(next: Option<&str>) -> &str {
    let is_local =
        |path: &&str| path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && !path.contains(char::is_control);
    next.filter(is_local).unwrap_or("/")
}
