//! `/api/push`

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{self, PathId};
use shared::http::origin::user_agent;
use shared::limits::turns;
use shared::models::push::{PushDevice, RenameDevice, Subscribe, Unsubscribe, device_name};
use shared::storage::Store;
use utoipa::ToSchema;

use crate::Deleted;
use crate::push_test::{self, DeviceTested};

/// The key that browsers subscribe with
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VapidPublicKey {
    /// An uncompressed point of P-256 in base64url: `applicationServerKey`
    #[schema(example = "BLn9b-VR0ca83knDNZ32dCHGyjJp-1riX9ZTN40MqV8K_LpQmLqxC_DoHvqvFXO_nGdAB4W9dogZb_sM-uV4JbY")]
    public_key: String,
}

/// The public key for push subscriptions
///
/// 501 `notifications_off` in a deployment that sends no notifications.
#[utoipa::path(
    get,
    path = "/api/push/vapid-key",
    tag = "Notifications",
    operation_id = "getVapidKey",
    responses((status = 200, body = VapidPublicKey))
)]
pub async fn vapid_key(State(app): State<App>, human: HumanCaller) -> Result<Json<VapidPublicKey>, Error> {
    app.store.authenticate(&human, &[]).await?;
    app.require_notifications()?;
    Ok(Json(VapidPublicKey { public_key: app.secrets.current()?.vapid_key()?.public() }))
}

/// Subscribes a browser to push messages, and turns them on
///
/// At most 20 devices of one person (400 `too_many_devices`). Subscribing an endpoint again is no error; it is the last
/// person's who subscribed it.
#[utoipa::path(
    post,
    path = "/api/push/subscribe",
    tag = "Notifications",
    operation_id = "subscribeToPush",
    request_body = Subscribe,
    responses((status = 204))
)]
pub async fn subscribe(
    State(app): State<App>,
    human: HumanCaller,
    headers: HeaderMap,
    extract::Json(body): extract::Json<Subscribe>,
) -> Result<StatusCode, Error> {
    let subscription = body.subscription();
    let opened = app.store.notifications().open_subscription(&human, &subscription).await?;
    app.require_notifications()?;
    body.endpoint.check_target("endpoint").await?;
    let vapid_key = app.secrets.current()?.vapid_key()?.public();
    let name = body.name.unwrap_or_else(|| device_name(user_agent(&headers).unwrap_or_default()));
    app.store.notifications().subscribe(&human, opened, subscription, name, vapid_key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the subscription of a browser; no error if there is none
#[utoipa::path(
    delete,
    path = "/api/push/subscribe",
    tag = "Notifications",
    operation_id = "unsubscribeFromPush",
    request_body = Unsubscribe,
    responses((status = 204))
)]
pub async fn unsubscribe(
    State(store): State<Store>,
    human: HumanCaller,
    extract::Json(body): extract::Json<Unsubscribe>,
) -> Result<StatusCode, Error> {
    store.notifications().unsubscribe(&human, &body.endpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's devices that get push messages, the oldest first
#[utoipa::path(
    get,
    path = "/api/push/devices",
    tag = "Notifications",
    operation_id = "listPushDevices",
    responses((status = 200, body = Vec<PushDevice>))
)]
pub async fn devices(State(store): State<Store>, human: HumanCaller) -> Result<Json<Vec<PushDevice>>, Error> {
    let (_, devices) = store.notifications().devices(&human).await?;
    Ok(Json(devices.iter().map(|device| device.shown()).collect()))
}

/// Renames a device
#[utoipa::path(
    patch,
    path = "/api/push/devices/{id}",
    tag = "Notifications",
    operation_id = "renamePushDevice",
    params(("id" = String, Path)),
    request_body = RenameDevice,
    responses((status = 200, body = PushDevice))
)]
pub async fn rename(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<String>,
    extract::Json(body): extract::Json<RenameDevice>,
) -> Result<Json<PushDevice>, Error> {
    Ok(Json(store.notifications().rename_device(&human, &id, &body.name).await?))
}

/// Removes a device: it gets no push messages any more
#[utoipa::path(
    delete,
    path = "/api/push/devices/{id}",
    tag = "Notifications",
    operation_id = "deletePushDevice",
    params(("id" = String, Path)),
    responses((status = 200, body = Deleted))
)]
pub async fn delete(
    State(store): State<Store>,
    human: HumanCaller,
    PathId(id): PathId<String>,
) -> Result<Json<Deleted>, Error> {
    store.notifications().delete_device(&human, &id).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Sends one test message to each of the caller's devices and returns what the push services answered
#[utoipa::path(
    post,
    path = "/api/push/test",
    tag = "Notifications",
    operation_id = "testPush",
    responses((status = 200, body = Vec<DeviceTested>))
)]
pub async fn test(State(app): State<App>, human: HumanCaller) -> Result<Json<Vec<DeviceTested>>, Error> {
    let (user, devices) = app.store.notifications().devices(&human).await?;
    app.require_notifications()?;
    // Somebody else's hosts take their time.
    turns::step_aside();
    Ok(Json(push_test::send(&app, user, devices).await?))
}
