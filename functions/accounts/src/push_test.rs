//! Test messages to the devices of a person.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;
use shared::error::Error;
use shared::http::App;
use shared::ids::UserId;
use shared::models::PushDevice;
use shared::storage::Device;
use shared::web_push::{PushAnswer, PushMessage, Urgency};
use utoipa::ToSchema;

/// How long a push service keeps a test message for a device that is not reachable.
const TTL: Duration = Duration::from_secs(60);
const TAG: &str = "placet-test";

/// How the push service of a device answered
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceTested {
    device: PushDevice,
    /// It accepted the message
    accepted: bool,
    /// Null when there was no answer
    #[schema(minimum = 100, maximum = 999, example = 201)]
    status: Option<u16>,
    /// Why it was not accepted
    #[schema(example = "the subscription has ended; the device was removed")]
    error: Option<String>,
}

/// Sends a test message to each of a person's devices. A subscription that has ended is removed.
pub async fn send(app: &App, user: UserId, devices: Vec<Device>) -> Result<Vec<DeviceTested>, Error> {
    try_join_all(devices.iter().map(|device| test(app, user, device))).await
}

async fn test(app: &App, user: UserId, device: &Device) -> Result<DeviceTested, Error> {
    let payload = json!({
        "title": "Placet", "body": "This is a test message.", "url": "/settings/notifications", "tag": TAG,
        "status": "test", "actions": [],
    });
    let (payload, topic) = (payload.to_string(), TAG.to_owned());
    let message = PushMessage { payload, urgency: Urgency::High, topic, ttl: TTL };
    let answer = app.send_push(user, device, &message).await?;
    let error = match &answer {
        PushAnswer::Accepted(_) => None,
        PushAnswer::Gone(_) => Some("the subscription has ended; the device was removed".to_owned()),
        PushAnswer::TooLarge => Some("the push service says that the message is too large".to_owned()),
        PushAnswer::Busy(..) => Some("the push service is busy; try again later".to_owned()),
        PushAnswer::Refused(_) => Some("the push service refused the message".to_owned()),
        PushAnswer::None(failure) => Some(format!("the push service {failure}")),
    };
    let status = answer.status().map(|it| it.as_u16());
    Ok(DeviceTested { device: device.shown(), accepted: error.is_none(), status, error })
}
