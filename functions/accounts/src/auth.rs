//! `POST /api/auth/login`, `POST /api/auth/logout`, `GET /api/auth/me`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::{Value, json};
use shared::auth::{HumanCaller, session_cookie};
use shared::error::Error;
use shared::extract;
use shared::models::Credentials;
use shared::storage::Store;

pub async fn login(
    State(store): State<Store>,
    headers: HeaderMap,
    extract::Json(credentials): extract::Json<Credentials>,
) -> Result<Response, Error> {
    let session = store.sign_in(credentials).await?;
    let body = Json(json!({ "user": session.user }));
    Ok(([(SET_COOKIE, session_cookie(&headers, Some(session)))], body).into_response())
}

/// Also without a session: who wants to be signed out is.
pub async fn logout(State(store): State<Store>, headers: HeaderMap) -> Result<Response, Error> {
    if let Some(human) = HumanCaller::of(&headers) {
        store.end_session(&human).await?;
    }
    let body = Json(json!({ "message": "Logged out" }));
    Ok(([(SET_COOKIE, session_cookie(&headers, None))], body).into_response())
}

pub async fn me(State(store): State<Store>, human: HumanCaller) -> Result<Json<Value>, Error> {
    Ok(Json(json!({ "user": store.me(&human).await? })))
}
