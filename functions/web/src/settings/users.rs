//! `/settings/users`: everybody who may sign in, for owners.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use shared::app::App;
use shared::auth::OwnerCaller;
use shared::models::{Role, User};

use crate::page::{self, PageError, Visitor};
use crate::settings::Tab;
use crate::shell::{Place, Shell};
use crate::view;

/// Somebody who looks at a page that is for owners: the store refuses members.
pub struct Owner(OwnerCaller);

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        Ok(Self(OwnerCaller::from_request_parts(parts, state).await?))
    }
}

struct Row {
    user: User,
    /// HTML.
    made: String,
    is_me: bool,
}

impl Row {
    fn is_owner(&self) -> bool {
        self.user.role == Role::Owner
    }
}

#[derive(Template)]
#[template(path = "settings_users.html")]
struct UsersPage {
    shell: Shell,
    tab: Tab,
    users: Vec<Row>,
}

pub async fn page(State(app): State<App>, Visitor(human): Visitor, Owner(owner): Owner) -> Result<Response, PageError> {
    let users = async { Ok(app.store.accounts().list_users(&owner).await?) };
    let (shell, users) = tokio::try_join!(Shell::of(&app, &human, Place::Settings), users)?;
    let me = shell.user.id;
    let row = |user: User| Row { made: view::moment(user.created_at), is_me: user.id == me, user };
    let users = users.into_iter().map(row).collect();
    page::page(StatusCode::OK, &UsersPage { shell, tab: Tab::Users, users })
}
