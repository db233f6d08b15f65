//! `/api/v1/files`, `/api/files` and `/api/share`: bytes in and out.
//!
//! Where agents and people do the same, one module has both handlers: `as_agent`, `as_person`.
//! What a response with a file's bytes looks like is in `serve`.

mod browse;
mod bulk_delete;
mod bulk_download;
mod delete;
mod download;
mod list;
mod presign;
mod range;
mod serve;
mod share;
mod shared_file;
mod store;
mod store_text;
mod upload;

use shared::iam::Permission;

/// What this function may do in AWS.
pub const PERMISSIONS: &[Permission] = &[
    Permission::Table("dynamodb:BatchGetItem"),
    Permission::Table("dynamodb:DeleteItem"),
    Permission::Table("dynamodb:PutItem"),
    Permission::Table("dynamodb:Query"),
    Permission::Table("dynamodb:UpdateItem"),
    Permission::Index("dynamodb:Query", "owner"),
    Permission::Bucket("s3:ListBucket"),
    Permission::Objects("s3:AbortMultipartUpload"),
    Permission::Objects("s3:DeleteObject"),
    Permission::Objects("s3:GetObject"),
    Permission::Objects("s3:PutObject"),
    Permission::Secrets("ssm:GetParameter"),
];

shared::routes! {
    pub fn router = [
        // /api/v1/files
        list::list, store::as_agent, upload::as_agent, store_text::store_text, presign::as_agent,
        download::as_agent, // /api/v1/files/{id}/download
        // /api/files
        browse::browse, store::as_person, upload::as_person, presign::as_person,
        bulk_delete::bulk_delete, bulk_download::bulk_download,
        delete::delete, download::as_person, share::share, // /api/files/{id}
        shared_file::shared_file, // /api/share/{token}
    ];
}
