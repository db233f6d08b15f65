//! `POST /api/auth/change-password`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::extract;
use shared::models::ChangePassword;
use shared::storage::Store;

use crate::Told;

/// Changes the caller's password
///
/// All their other sessions end; API keys stay. A wrong current password counts as a failed sign-in.
#[utoipa::path(
    post,
    path = "/api/auth/change-password",
    tag = "Auth",
    operation_id = "changePassword",
    request_body = ChangePassword,
    responses((status = 200, body = Told), (status = 429, description = "Too many failed tries"))
)]
pub async fn change(
    State(store): State<Store>,
    human: HumanCaller,
    extract::Json(change): extract::Json<ChangePassword>,
) -> Result<Json<Told>, Error> {
    store.change_password(&human, change).await?;
    Ok(Json(Told { message: "Password changed" }))
}
