//! `POST /api/auth/change-password`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract;
use shared::models::ChangePassword;
use shared::secrets::Device;

use crate::MessageOut;

/// Changes the caller's password
///
/// All their other sessions end; API keys stay. 10 wrong current passwords within 15 minutes are
/// 429 until they have passed; failed sign-ins of others do not count.
#[utoipa::path(
    post,
    path = "/api/auth/change-password",
    tag = "Auth",
    operation_id = "changePassword",
    request_body = ChangePassword,
    responses((status = 200, body = MessageOut), (status = 429, description = "Too many failed attempts"))
)]
pub async fn change(
    State(app): State<App>,
    human: HumanCaller,
    headers: HeaderMap,
    extract::Json(change): extract::Json<ChangePassword>,
) -> Result<Response, Error> {
    let presented = Device::presented(&headers, &app.secrets, app.clock.now());
    let device = app.store.accounts().change_password(&human, change, &presented).await?;
    let mut response = Json(MessageOut { message: "Password changed" }).into_response();
    app.remember(&device, &headers, response.headers_mut())?;
    Ok(response)
}
