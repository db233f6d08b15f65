//! `/api/auth`, `/api/users`, `/api/api-keys`, `/api/preferences`, `/api/logs`: who people are,
//! what lets them and their agents in, and what their agents called.

mod api_keys;
mod auth;
mod logs;
mod passwords;
mod preferences;
mod users;

use axum::Router;
use axum::routing::{delete, get, patch, post};
use serde::Serialize;
use shared::app::App;
use shared::models::User;
use shared::permissions::Need;
use utoipa::{OpenApi, ToSchema};

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:BatchWriteItem"),
    Need::Table("dynamodb:ConditionCheckItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:DeleteObject"),
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/auth/refresh", post(auth::refresh))
        .route("/api/auth/change-password", post(passwords::change))
        .route("/api/auth/me", get(auth::me))
        .route("/api/users", get(users::list).post(users::create))
        .route("/api/users/{id}", patch(users::change).delete(users::delete))
        .route("/api/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api/api-keys/{id}", delete(api_keys::delete))
        .route("/api/api-keys/{id}/rotate", post(api_keys::rotate))
        .route("/api/preferences", get(preferences::get).patch(preferences::change))
        .route("/api/logs", get(logs::list))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    auth::login,
    auth::logout,
    auth::refresh,
    auth::me,
    passwords::change,
    users::list,
    users::create,
    users::change,
    users::delete,
    api_keys::list,
    api_keys::create,
    api_keys::rotate,
    api_keys::delete,
    preferences::get,
    preferences::change,
    logs::list
))]
pub struct Docs;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    user: User,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub struct Told {
    #[schema(example = "Logged out")]
    message: &'static str,
}

/// That it is gone.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    deleted: bool,
}
