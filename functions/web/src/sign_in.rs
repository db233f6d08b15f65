//! `/login` and `/logout`

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use shared::auth::{HumanCaller, session_cookie};
use shared::error::Error;
use shared::models::Credentials;
use shared::storage::Store;

use crate::page::{self, OwnForm, PageError, Submitted};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    email: String,
    problem: Option<String>,
}

pub async fn page() -> Result<Response, PageError> {
    page::page(StatusCode::OK, &LoginPage { email: String::new(), problem: None })
}

pub async fn sign_in(
    State(store): State<Store>,
    headers: HeaderMap,
    _: OwnForm,
    Submitted(typed): Submitted,
) -> Result<Response, PageError> {
    let text = |name| typed.first(name).unwrap_or_default();
    let signed_in = match Credentials::typed(text("email"), text("password")) {
        Some(credentials) => store.sign_in(credentials).await,
        None => Err(Error::WrongPassword),
    };
    let (error, problem) = match signed_in {
        Ok(session) => {
            let cookie = session_cookie(&headers, Some(session));
            return Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response());
        }
        Err(error) => {
            let sentence = match &error {
                Error::TooManyTries { retry_after_seconds } => {
                    let minutes = retry_after_seconds.div_ceil(60);
                    format!("Too many failed tries for this e-mail. Try again in {minutes} min.")
                }
                Error::WrongPassword => error.to_string(),
                _ => return Err(error.into()),
            };
            (error, sentence)
        }
    };
    let mut response =
        page::page(error.status(), &LoginPage { email: text("email").to_owned(), problem: Some(problem) })?;
    response.headers_mut().extend(error.retry_after().map(|seconds| (RETRY_AFTER, seconds.into())));
    Ok(response)
}

pub async fn sign_out(State(store): State<Store>, headers: HeaderMap, _: OwnForm) -> Result<Response, PageError> {
    if let Some(human) = HumanCaller::of(&headers) {
        store.end_session(&human).await?;
    }
    Ok(([(SET_COOKIE, session_cookie(&headers, None))], Redirect::to("/login")).into_response())
}
