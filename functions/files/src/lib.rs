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

use axum::Router;
use axum::routing::{delete, get, post};
use shared::app::App;
use shared::permissions::Need;
use utoipa::OpenApi;

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

pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/files", get(list::list))
        .route("/api/v1/files/store", post(store::for_agent))
        .route("/api/v1/files/upload", post(upload::for_agent))
        .route("/api/v1/files/store-text", post(store_text::store_text))
        .route("/api/v1/files/presign", post(presign::for_agent))
        .route("/api/v1/files/{id}/download", get(download::for_agent))
        .route("/api/files", get(browse::browse))
        .route("/api/files/store", post(store::for_human))
        .route("/api/files/upload", post(upload::for_human))
        .route("/api/files/presign", post(presign::for_human))
        .route("/api/files/bulk-delete", post(bulk_delete::bulk_delete))
        .route("/api/files/bulk-download", post(bulk_download::bulk_download))
        .route("/api/files/{id}", delete(delete::delete))
        .route("/api/files/{id}/download", get(download::for_human))
        .route("/api/files/{id}/share", get(share::share))
        .route("/api/share/{token}", get(shared_file::shared_file))
}

/// What the generated document says of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    store::for_agent,
    upload::for_agent,
    store_text::store_text,
    presign::for_agent,
    download::for_agent,
    browse::browse,
    store::for_human,
    upload::for_human,
    presign::for_human,
    bulk_delete::bulk_delete,
    bulk_download::bulk_download,
    delete::delete,
    download::for_human,
    share::share,
    shared_file::shared_file
))]
pub struct Docs;
