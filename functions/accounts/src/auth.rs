//! `POST /api/auth/login`, `POST /api/auth/logout`, `POST /api/auth/refresh`, `GET /api/auth/me`,
//! `POST /api/auth/ws-ticket`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderMap;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract;
use shared::http::origin::client_of;
use shared::http::session_cookie::{hand_out_session, remove_session};
use shared::models::{Credentials, SourceAddress};
use shared::secrets::Device;
use shared::storage::{NewSession, Store};

use crate::{MessageOut, SignedIn, Ticket};

/// Signs in: the answer sets the session's cookie, for 7 days
///
/// After 10 failures for an e-mail address within 15 minutes it is 429 until they have passed. A
/// browser that has signed in to the address before presents a device cookie, and has 10 failures
/// of its own; the answer sets that cookie too, for 180 days.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    tag = "Auth",
    operation_id = "login",
    request_body = Credentials,
    responses((status = 200, body = SignedIn), (status = 429, description = "Too many failed attempts"))
)]
pub async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    _: Option<HumanCaller>,
    source: Option<Extension<SourceAddress>>,
    extract::Json(credentials): extract::Json<Credentials>,
) -> Result<Response, Error> {
    let presented = Device::presented(&headers, &app.secrets, app.clock.now());
    let source = source.map(|it| it.0);
    let client = client_of(&headers, source);
    let (session, device) = app.store.accounts().sign_in(credentials, &presented, source, client).await?;
    let mut response = with_cookie(&headers, session);
    app.remember(&device, &headers, response.headers_mut())?;
    Ok(response)
}

/// Ends the session and takes the cookie away
///
/// Also without a session: who wants to be signed out is.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    tag = "Auth",
    operation_id = "logout",
    responses((status = 200, body = MessageOut))
)]
pub async fn logout(
    State(store): State<Store>,
    human: Option<HumanCaller>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    if let Some(human) = human {
        store.accounts().delete_session(&human).await?;
    }
    let body = Json(MessageOut { message: "Logged out" });
    Ok((remove_session(&headers), body).into_response())
}

/// Replaces the session by one of 7 more days
///
/// The answer sets the new session's cookie; the old token stops working. A session ends 30 days after the sign-in,
/// however often it is refreshed.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    tag = "Auth",
    operation_id = "refreshSession",
    responses((status = 200, body = SignedIn))
)]
pub async fn refresh(
    State(store): State<Store>,
    human: HumanCaller,
    headers: HeaderMap,
    source: Option<Extension<SourceAddress>>,
) -> Result<Response, Error> {
    let client = client_of(&headers, source.map(|it| it.0));
    Ok(with_cookie(&headers, store.accounts().refresh_session(&human, client).await?))
}

/// Who is signed in
#[utoipa::path(
    get,
    path = "/api/auth/me",
    tag = "Auth",
    operation_id = "getMe",
    responses((status = 200, body = SignedIn))
)]
pub async fn me(State(store): State<Store>, human: HumanCaller) -> Result<Json<SignedIn>, Error> {
    Ok(Json(SignedIn { user: store.accounts().me(&human).await? }))
}

/// A ticket for one connection to `/socket.io/` within 60 seconds
#[utoipa::path(
    post,
    path = "/api/auth/ws-ticket",
    tag = "Auth",
    operation_id = "createTicket",
    responses((status = 200, body = Ticket))
)]
pub async fn ticket(State(store): State<Store>, human: HumanCaller) -> Result<Json<Ticket>, Error> {
    Ok(Json(Ticket { ticket: store.accounts().create_ticket(&human).await?.reveal() }))
}

fn with_cookie(request: &HeaderMap, session: NewSession) -> Response {
    let body = Json(SignedIn { user: session.user.clone() });
    (hand_out_session(request, session), body).into_response()
}
