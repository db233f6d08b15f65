//! `/api/v1/reviews`: what agents ask people, and waiting for the answer. `/api/changes`: waiting,
//! too, by people. Everything that holds its callers is in this group, which has time and
//! concurrency of its own: waiting requests take nothing from other routes.

mod cancel;
mod changes;
mod consume;
mod get;
mod pending;
mod wait;
mod wait_several;

use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:GetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "due"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:GetObject"),
];

shared::routes! {
    pub fn router = [
        pending::pending, // /api/v1/reviews/pending
        get::get, // /api/v1/reviews/{id}
        cancel::cancel, // /api/v1/reviews/{id}/cancel
        consume::consume, // /api/v1/reviews/{id}/consume
        wait_several::wait_several, // /api/v1/reviews/wait
        wait::wait, // /api/v1/reviews/{id}/wait
        changes::changes, // /api/changes
    ];
}
