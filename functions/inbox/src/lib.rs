//! `/api/messages`: what people read, write and answer.

mod create;
mod decided;
mod decided_csv;
mod get;
mod history;
mod iterations;
mod list;
mod respond;
mod retry;
mod reviews;
mod viewing;

use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:GetItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Index("dynamodb:Query", "due"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:GetObject"),
    Permission::Secrets("ssm:GetParameter"),
];

shared::routes! {
    pub fn router = [
        list::list, create::create, // /api/messages
        reviews::reviews, // /api/messages/reviews
        decided::decided, decided_csv::decided_csv, // below it
        get::get, // /api/messages/{id}
        iterations::iterations, history::history, respond::respond, retry::retry, viewing::viewing, // below it
    ];
}
