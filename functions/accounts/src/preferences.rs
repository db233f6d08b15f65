//! `/api/preferences`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract;
use shared::models::{PatchNotifications, PatchPreferences, Preferences};
use shared::storage::Store;

/// What the caller prefers
#[utoipa::path(
    get,
    path = "/api/preferences",
    tag = "Preferences",
    operation_id = "getPreferences",
    responses((status = 200, body = Preferences))
)]
pub async fn get(State(store): State<Store>, human: HumanCaller) -> Result<Json<Preferences>, Error> {
    Ok(Json(store.accounts().preferences(&human).await?))
}

/// Changes what the caller prefers
///
/// 501 `mail_off` if it turns e-mails on in a deployment that sends none.
#[utoipa::path(
    patch,
    path = "/api/preferences",
    tag = "Preferences",
    operation_id = "updatePreferences",
    request_body = PatchPreferences,
    responses((status = 200, body = Preferences))
)]
pub async fn update(
    State(app): State<App>,
    human: HumanCaller,
    extract::Json(patch): extract::Json<PatchPreferences>,
) -> Result<Json<Preferences>, Error> {
    let turns_email_on = patch.notifications.as_ref().is_some_and(PatchNotifications::turns_email_on);
    if turns_email_on && let Err(off) = app.require_mail() {
        app.store.authenticate(&human, &[]).await?;
        return Err(off);
    }
    Ok(Json(app.store.accounts().update_preferences(&human, patch).await?))
}
