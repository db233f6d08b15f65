//! `GET /api/files/{id}/share`: a link that gives access to one file.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::FileId;
use shared::models::share_link::{LIFE, ShareLink};
use utoipa::ToSchema;

/// A link to one file
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shared {
    /// Opens the file, with no credentials.
    url: String,
    /// Seconds.
    #[schema(example = 3600)]
    expires_in: u64,
}

/// Creates a link that gives access to a file for an hour, without authentication
#[utoipa::path(
    get,
    path = "/api/files/{id}/share",
    tag = "Files",
    operation_id = "shareFile",
    params(("id" = FileId, Path)),
    responses((status = 200, body = Shared))
)]
pub async fn share(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<FileId>,
    headers: HeaderMap,
) -> Result<Json<Shared>, Error> {
    let file = app.store.files().get(&human, id).await?;
    let token = ShareLink::of(&file, app.clock.now()).token(app.secrets.current()?);
    // Where the caller reached us, as it says itself. Only the caller learns it: the response is
    // not stored, and the token is good at any address of ours.
    let origin = app.site.origin_of_links(&headers).unwrap_or_default();
    let url = format!("{origin}/api/share/{token}");
    Ok(Json(Shared { url, expires_in: LIFE.as_secs() }))
}
