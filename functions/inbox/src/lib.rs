//! `/api/messages`: what people read, write and answer.

mod create;
mod get;
mod iterations;
mod list;
mod respond;
mod retry;
mod reviews;

use shared::permissions::Need;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:GetItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:GetObject"),
];

shared::routes! {
    pub fn router = [
        list::list, create::create, // /api/messages
        reviews::reviews, // /api/messages/reviews
        get::get, // /api/messages/{id}
        iterations::iterations, respond::respond, retry::retry, // below it
    ];
}
