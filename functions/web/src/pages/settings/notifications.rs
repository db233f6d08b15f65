//! `/settings/notifications`: the devices that get push messages, and of what.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::notifications::{EmailEnd, EmailEndReason};
use shared::models::quiet_hours::QuietHours;
use shared::models::{NotificationWebhook, PushDevice, WebhookFormat};
use shared::review::Risk;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::pages::settings::delays::{REMINDERS, choices, is_number};
use crate::pages::settings::general_surface::GeneralSurface;
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
    push: GeneralSurface,
    /// Whether the deployment sends e-mails.
    has_mail: bool,
    email: GeneralSurface,
    email_ended: Option<EmailEnd>,
    webhook: GeneralSurface,
    hook: Option<NotificationWebhook>,
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
    fn reminders(&self) -> Vec<(String, String)> {
        choices("Never", "After", &REMINDERS, self.remind_after)
    }

    fn is_reminder(&self, value: &str) -> bool {
        is_number(value, self.remind_after)
    }

    fn exceptions(&self) -> [(&'static str, &'static str); 3] {
        [("high", "Of high risk, or that cannot be undone"), ("medium", "Of medium or high risk"), ("", "Of nothing")]
    }
}

/// `GET /settings/notifications`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let devices = async { Ok(app.store.notifications().devices(&human).await?.1) };
    let preferences = async { Ok(app.store.accounts().preferences(&human).await?) };
    let hook = async { Ok(app.store.notifications().webhook(&human).await?) };
    let (layout, devices, preferences, hook) =
        tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), devices, preferences, hook)?;
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
        push: GeneralSurface::new("notifications.push", "Send push messages to my devices", preferences.push),
        has_mail: app.mailer.is_on(),
        email: GeneralSurface::new("notifications.email", "Send e-mails to me", preferences.email),
        email_ended: preferences.email_ended,
        webhook: GeneralSurface::new("notifications.webhook", "Call my webhook", preferences.webhook),
        hook: hook.map(|hook| hook.shown()),
        quiet: Quiet::of(preferences.quiet_hours),
        remind_after: preferences.remind_after_seconds,
        devices,
    };
    response::page(StatusCode::OK, &page)
}
