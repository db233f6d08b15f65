//! `/settings/notifications`: the devices that get push messages, and of what.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::PushDevice;
use shared::models::notifications::SurfacePreferences;
use shared::models::quiet_hours::QuietHours;
use shared::review::Risk;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::pages::settings::delays::{DELAYS, REMINDERS, choices, is_number};
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
    quiet: Quiet,
    remind_after: Option<u32>,
    devices: Vec<Row>,
}

/// The quiet hours as the form has them.
struct Quiet {
    is_set: bool,
    from: String,
    to: String,
    zone: String,
    min_risk: &'static str,
}

impl Quiet {
    fn of(hours: Option<QuietHours>) -> Self {
        match hours {
            Some(hours) => Self {
                is_set: true,
                from: hours.from.to_string(),
                to: hours.to.to_string(),
                zone: hours.time_zone.as_str().to_owned(),
                min_risk: hours.min_risk.map_or("", Risk::word),
            },
            None => {
                let (from, to) = ("22:00".to_owned(), "07:00".to_owned());
                Self { is_set: false, from, to, zone: String::new(), min_risk: Risk::High.word() }
            }
        }
    }
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

    fn delays(&self) -> Vec<(String, String)> {
        choices("At once", "If nobody has opened it after", &DELAYS, self.push.after_seconds.filter(|it| *it > 0))
    }

    fn is_delay(&self, value: &str) -> bool {
        is_number(value, self.push.after_seconds.filter(|it| *it > 0))
    }

    fn reminders(&self) -> Vec<(String, String)> {
        choices("Never", "After", &REMINDERS, self.remind_after)
    }

    fn is_reminder(&self, value: &str) -> bool {
        is_number(value, self.remind_after)
    }

    fn exceptions(&self) -> [(&'static str, &'static str); 3] {
        [("high", "Of high risk only"), ("medium", "Of medium or high risk"), ("", "Of nothing")]
    }
}

/// `GET /settings/notifications`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let devices = async { Ok(app.store.notifications().devices(&human).await?.1) };
    let preferences = async { Ok(app.store.accounts().preferences(&human).await?) };
    let (layout, devices, preferences) =
        tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), devices, preferences)?;
    let preferences = preferences.notifications;
    let now = app.clock.now();
    let row = |device: PushDevice| Row {
        id: device.id,
        name: device.name,
        added: format::moment(device.created_at),
        used: device.last_used_at.map(|at| format::age(at, now)),
    };
    let devices = devices.iter().map(|device| row(device.shown())).collect();
    let page = NotificationsPage {
        layout,
        tab: Tab::Notifications,
        is_on: app.notifications.is_set(),
        push: preferences.push,
        quiet: Quiet::of(preferences.quiet_hours),
        remind_after: preferences.remind_after_seconds,
        devices,
    };
    response::page(StatusCode::OK, &page)
}
