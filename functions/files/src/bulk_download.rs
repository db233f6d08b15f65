//! `POST /api/files/bulk-download`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Json;
use shared::models::FileIds;
use shared::storage::{ZIP_DISPOSITION, ZIP_TYPE, Zipped};

use crate::serve::FileBytes;

/// Many files as one archive
///
/// Names are made unique and safe to unpack. 400 names each id that is not a file of the
/// caller's; 413 when the files have more than 200 MB together, or the account's archives of a day
/// more than its quota.
#[utoipa::path(
    post,
    path = "/api/files/bulk-download",
    tag = "Files",
    operation_id = "downloadFiles",
    request_body = FileIds,
    responses(
        (status = 200, description = "The archive, files.zip", body = FileBytes, content_type = "application/zip"),
        (status = 303, description = "An archive of more than 4.5 MB: a storage URL, good for five minutes"),
    )
)]
pub async fn bulk_download(
    State(app): State<App>,
    human: HumanCaller,
    Json(FileIds { ids }): Json<FileIds>,
) -> Result<Response, Error> {
    let files = app.store.files().for_archive(&human, &ids).await?;
    Ok(match app.store.files().archive(&human, files).await? {
        Zipped::Here(bytes) => {
            ([(CONTENT_TYPE, ZIP_TYPE), (CONTENT_DISPOSITION, ZIP_DISPOSITION)], bytes).into_response()
        }
        // To be fetched with GET, whatever method asked for it.
        Zipped::There(url) => (StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response(),
    })
}
