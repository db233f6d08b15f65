//! `/api/notifications/webhook`

use axum::Json;
use axum::extract::State;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract;
use shared::limits::turns;
use shared::models::{NotificationWebhook, NotificationWebhookWithSecret, SetNotificationWebhook};
use shared::review::Risk;
use shared::storage::Store;
use shared::webhook::{self, Event, Notice, NoticeKind, WebhookTested};
use shared::{hex, random};

use crate::Deleted;

/// The caller's webhook
#[utoipa::path(
    get,
    path = "/api/notifications/webhook",
    tag = "Notifications",
    operation_id = "getNotificationWebhook",
    responses((status = 200, body = NotificationWebhook), (status = 404))
)]
pub async fn get(State(store): State<Store>, human: HumanCaller) -> Result<Json<NotificationWebhook>, Error> {
    let webhook = store.notifications().webhook(&human).await?.ok_or(Error::NotFound("webhook"))?;
    Ok(Json(webhook.shown()))
}

/// Sets the caller's webhook, and turns notifications by it on
///
/// Each call makes a new signing secret, which the answer shows, once. 501 `notifications_off` in a deployment that sends
/// no notifications.
#[utoipa::path(
    put,
    path = "/api/notifications/webhook",
    tag = "Notifications",
    operation_id = "setNotificationWebhook",
    request_body = SetNotificationWebhook,
    responses((status = 200, body = NotificationWebhookWithSecret))
)]
pub async fn set(
    State(app): State<App>,
    human: HumanCaller,
    extract::Json(body): extract::Json<SetNotificationWebhook>,
) -> Result<Json<NotificationWebhookWithSecret>, Error> {
    let opened = app.store.notifications().open_webhook(&human).await?;
    app.require_notifications()?;
    body.url.check_target("url").await?;
    let webhook = app.store.notifications().set_webhook(&human, opened, body).await?;
    let webhook_secret = webhook.secret.reveal().to_owned();
    Ok(Json(NotificationWebhookWithSecret { webhook: webhook.shown(), webhook_secret }))
}

/// Removes the caller's webhook, and turns notifications by it off
#[utoipa::path(
    delete,
    path = "/api/notifications/webhook",
    tag = "Notifications",
    operation_id = "deleteNotificationWebhook",
    responses((status = 200, body = Deleted), (status = 404))
)]
pub async fn delete(State(store): State<Store>, human: HumanCaller) -> Result<Json<Deleted>, Error> {
    store.notifications().delete_webhook(&human).await?;
    Ok(Json(Deleted { deleted: true }))
}

/// Sends one test message to the caller's webhook and returns the response
#[utoipa::path(
    post,
    path = "/api/notifications/webhook/test",
    tag = "Notifications",
    operation_id = "testNotificationWebhook",
    responses((status = 200, body = WebhookTested), (status = 404))
)]
pub async fn test(State(app): State<App>, human: HumanCaller) -> Result<Json<WebhookTested>, Error> {
    let webhook = app.store.notifications().webhook(&human).await?.ok_or(Error::NotFound("webhook"))?;
    app.require_notifications()?;
    let notice = Notice {
        kind: NoticeKind::Test,
        message_id: None,
        agent: "Placet".to_owned(),
        text: "This is a test message.".to_owned(),
        notified_risk: Risk::Medium,
        risk: None,
        reversible: None,
        url: app.page_url("/settings/notifications"),
        expires_at: None,
    };
    let (target, payload) = notice.request(&webhook);
    let event = Event { id: &format!("test_{}", hex::encode(&random::bytes::<16>())), payload: &payload };
    // Somebody else's host takes its time.
    turns::step_aside();
    let (answer, took) = webhook::send(&app.outbound, event, &target, &[webhook.secret], app.clock.now()).await;
    Ok(Json(WebhookTested::of(&answer, &target, took)))
}
