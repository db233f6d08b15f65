//! `/settings`: the person's name and e-mail address, the theme, and where they are signed in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::{Session, Theme};

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};
use crate::text::format;

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage {
    layout: Layout,
    tab: Tab,
    sessions: Vec<Row>,
}

struct Row {
    id: String,
    is_current: bool,
    device: String,
    address: Option<String>,
    /// HTML.
    signed_in: Option<String>,
    /// HTML.
    ends: String,
}

impl Row {
    fn of(session: Session) -> Self {
        Self {
            id: session.id,
            is_current: session.current,
            device: session.device.unwrap_or_else(|| "Unknown device".to_owned()),
            address: session.address,
            signed_in: session.signed_in_at.map(format::moment),
            ends: format::moment(session.expires_at),
        }
    }
}

impl ProfilePage {
    fn themes(&self) -> [(Theme, &'static str, &'static str); 3] {
        [
            (Theme::System, "As the system", "Light or dark, as this device is set"),
            (Theme::Light, "Light", "Dark text on white"),
            (Theme::Dark, "Dark", "Light text on black"),
        ]
    }
}

/// `GET /settings`
pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let sessions = async { Ok(app.store.accounts().list_sessions(&human).await?) };
    let (layout, sessions) = tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), sessions)?;
    let sessions = sessions.into_iter().map(Row::of).collect();
    response::page(StatusCode::OK, &ProfilePage { layout, tab: Tab::Profile, sessions })
}
