//! `/settings`: the person's name and e-mail address, the theme, and the session.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::http::App;
use shared::models::Theme;

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage {
    layout: Layout,
    tab: Tab,
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
    let layout = Layout::of(&app, &human, NavItem::Settings).await?;
    response::page(StatusCode::OK, &ProfilePage { layout, tab: Tab::Profile })
}
