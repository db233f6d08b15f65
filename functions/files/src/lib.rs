//! `/api/v1/files`, `/api/files` and `/api/share`: bytes in and out.
//!
//! Where agents and people do the same, one module has both handlers: `for_agent`, `for_human`.
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

use shared::permissions::Need;

/// What this function does in AWS.
pub const NEEDS: &[Need] = &[
    Need::Table("dynamodb:BatchGetItem"),
    Need::Table("dynamodb:DeleteItem"),
    Need::Table("dynamodb:PutItem"),
    Need::Table("dynamodb:Query"),
    Need::Table("dynamodb:UpdateItem"),
    Need::Index("dynamodb:Query", "owner"),
    Need::Bucket("s3:ListBucket"),
    Need::Objects("s3:AbortMultipartUpload"),
    Need::Objects("s3:DeleteObject"),
    Need::Objects("s3:GetObject"),
    Need::Objects("s3:PutObject"),
];

shared::routes! {
    pub fn router = [
        // /api/v1/files
        list::list, store::for_agent, upload::for_agent, store_text::store_text, presign::for_agent,
        download::for_agent, // /api/v1/files/{id}/download
        // /api/files
        browse::browse, store::for_human, upload::for_human, presign::for_human,
        bulk_delete::bulk_delete, bulk_download::bulk_download,
        delete::delete, download::for_human, share::share, // /api/files/{id}
        shared_file::shared_file, // /api/share/{token}
    ];
}
