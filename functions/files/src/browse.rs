//! `GET /api/files`

use axum::Json;
use axum::extract::State;
use shared::auth::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::Query;
use shared::models::{FileList, ListFiles};

/// Files of all of the caller's agents, newest first
///
/// A search that has looked at many files may give a short page with a cursor.
#[utoipa::path(
    get,
    path = "/api/files",
    tag = "Files",
    operation_id = "browseFiles",
    params(ListFiles),
    responses((status = 200, body = FileList))
)]
pub async fn browse(
    State(app): State<App>,
    human: HumanCaller,
    Query(list): Query<ListFiles>,
) -> Result<Json<FileList>, Error> {
    let page = app.store.files().list(&human, &list).await?;
    Ok(Json(FileList { data: page.found, next_cursor: page.next.map(|ulid| ulid.to_string()) }))
}
