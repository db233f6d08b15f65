//! `/settings/notifications`: the devices that get push messages, and of what.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::PushDevice;
use shared::models::notifications::SurfacePreferences;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};
use crate::text::format;

struct Row {
    id: String,
    name: String,
    /// HTML.
    added: String,
    used: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/notifications.html")]
struct NotificationsPage {
    layout: Layout,
    tab: Tab,
    /// Whether the deployment sends notifications.
    is_on: bool,
    push: SurfacePreferences,
    devices: Vec<Row>,
}

impl NotificationsPage {
    fn risks(&self) -> [(&'static str, &'static str); 3] {
        [("", "All of them"), ("medium", "Of medium or high risk"), ("high", "Of high risk only")]
    }

    fn is_chosen(&self, value: &str) -> bool {
        // `low` is the lowest, so it means all.
        let chosen = self.push.min_risk.map_or("", |risk| risk.word());
        chosen == value || (chosen == "low" && value.is_empty())
    }
}

/// `GET /settings/notifications`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let devices = async { Ok(app.store.notifications().devices(&human).await?.1) };
    let preferences = async { Ok(app.store.accounts().preferences(&human).await?) };
    let (layout, devices, preferences) =
        tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), devices, preferences)?;
    let now = app.clock.now();
    let row = |device: PushDevice| Row {
        id: device.id,
        name: device.name,
        added: format::moment(device.created_at),
        used: device.last_used_at.map(|at| format::age(at, now)),
    };
    let devices = devices.iter().map(|device| row(device.shown())).collect();
    let (is_on, push) = (app.notifications.is_set(), preferences.notifications.push);
    response::page(StatusCode::OK, &NotificationsPage { layout, tab: Tab::Notifications, is_on, push, devices })
}
