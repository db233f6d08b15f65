//! `/settings`: who is signed in, and how the pages look to them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use shared::app::App;
use shared::models::Theme;

use crate::page::{self, PageError, Visitor};
use crate::settings::Tab;
use crate::shell::{Place, Shell};

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage {
    shell: Shell,
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

pub async fn page(State(app): State<App>, Visitor(human): Visitor) -> Result<Response, PageError> {
    let shell = Shell::of(&app, &human, Place::Settings).await?;
    page::page(StatusCode::OK, &ProfilePage { shell, tab: Tab::Profile })
}
