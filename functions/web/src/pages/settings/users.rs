//! `/settings/users`: all users, for owners.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use shared::caller::OwnerCaller;
use shared::http::App;
use shared::models::{Role, User};

use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::pages::settings::Tab;
use crate::response::{self, PageError};
use crate::text::format;

/// An owner who opens a page for owners; members are refused.
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

    /// The question before this user is deleted.
    fn delete_warning(&self) -> String {
        let name = &self.user.display_name;
        format!("Delete {name} with all their agents, messages, files and keys? This cannot be undone.")
    }
}

#[derive(Template)]
#[template(path = "settings/users.html")]
struct UsersPage {
    layout: Layout,
    tab: Tab,
    users: Vec<Row>,
}

/// `GET /settings/users`
pub async fn page(State(app): State<App>, Visitor(human): Visitor, Owner(owner): Owner) -> Result<Response, PageError> {
    let users = async { Ok(app.store.accounts().list_users(&owner).await?) };
    let (layout, users) = tokio::try_join!(Layout::of(&app, &human, NavItem::Settings), users)?;
    let me = layout.user.id;
    let row = |user: User| Row { made: format::moment(user.created_at), is_me: user.id == me, user };
    let users = users.into_iter().map(row).collect();
    response::page(StatusCode::OK, &UsersPage { layout, tab: Tab::Users, users })
}
