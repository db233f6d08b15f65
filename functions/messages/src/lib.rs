//! `/api/v1/messages`: what agents send and read.

mod ack;
mod create;
mod delete;
mod get;
mod iterations;
mod list;
mod streams;

use shared::permissions::Need;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:ConditionCheckItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:GetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:DeleteObject"),
    Need::Objects("s3:GetObject"),
    Need::Objects("s3:PutObject"),
];

shared::routes! {
    pub fn router = [
        create::create, list::list, // /api/v1/messages
        get::get, delete::delete, // /api/v1/messages/{id}
        ack::ack, // /api/v1/messages/{id}/ack
        iterations::iterations, // /api/v1/messages/iterations/{id}
        streams::update, // /api/v1/messages/streams/{streamId}
        streams::status, // /api/v1/messages/streams/{streamId}/status
    ];
}
