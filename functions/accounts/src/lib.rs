//! `/api/auth`, `/api/users`, `/api/api-keys`, `/api/preferences`, `/api/push`, `/api/notifications`, `/api/logs`: who people are,
//! what lets them and their agents in, how they are notified, and what their agents called.

mod api_keys;
mod auth;
mod email_test;
mod logs;
mod notification_webhook;
mod passwords;
mod preferences;
mod push;
mod push_test;
mod sessions;
mod users;

use serde::Serialize;
use shared::iam::Permission;
use shared::models::User;
use utoipa::ToSchema;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:BatchWriteItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Mail("ses:SendEmail"),
    Permission::Mail("ses:SendRawEmail"),
    Permission::Secrets("ssm:GetParameter"),
];

shared::routes! {
    pub fn router = [
        auth::login, auth::logout, auth::refresh, auth::me, auth::ticket, passwords::change, sessions::list,
        sessions::end, // /api/auth
        users::list, users::create, users::update, users::delete, // /api/users
        api_keys::list, api_keys::create, api_keys::rotate, api_keys::delete, // /api/api-keys
        preferences::get, preferences::update, // /api/preferences
        push::vapid_key, push::subscribe, push::unsubscribe, push::devices, push::rename, push::delete, push::test, // /api/push
        notification_webhook::get, notification_webhook::set, notification_webhook::delete,
        notification_webhook::test, email_test::test, // /api/notifications
        logs::list, logs::get, // /api/logs
    ];
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    user: User,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = Told)]
pub struct MessageOut {
    #[schema(example = "Logged out")]
    message: &'static str,
}

/// A ticket for a socket, shown once.
#[derive(Serialize, ToSchema)]
pub struct Ticket {
    ticket: String,
}

/// That it is gone.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    deleted: bool,
}
