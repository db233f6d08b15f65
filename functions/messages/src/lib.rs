//! `/api/v1/messages`: what agents send and read.

mod ack;
mod create;
mod delete;
mod get;
mod history;
mod iterations;
mod list;
mod streams;

pub use create::send;
use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:ConditionCheckItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:GetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Objects("s3:GetObject"),
    Permission::Objects("s3:PutObject"),
];

shared::routes! {
    pub fn router = [
        create::create, list::list, // /api/v1/messages
        get::get, delete::delete, // /api/v1/messages/{id}
        ack::ack, // /api/v1/messages/{id}/ack
        history::history, // /api/v1/messages/{id}/history
        iterations::iterations, // /api/v1/messages/iterations/{id}
        streams::update, // /api/v1/messages/streams/{streamId}
        streams::status, // /api/v1/messages/streams/{streamId}/status
    ];
}
