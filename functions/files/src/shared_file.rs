//! `GET /api/share/{token}`: the file of a share link, without authentication.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use shared::error::Error;
use shared::http::App;
use shared::models::share_link::ShareLink;

use crate::serve::{self, Asked, FileBytes};

/// A shared file's bytes; asks for no credentials
///
/// 404 for a link that is wrong, has ended, or whose file is gone.
#[utoipa::path(
    get,
    path = "/api/share/{token}",
    tag = "Files",
    operation_id = "openSharedFile",
    params(("token" = String, Path, description = "The last part of a link that share gave")),
    security(()),
    responses(
        (status = 200, description = "The bytes, inline under the file's name", body = FileBytes, content_type = "*/*"),
        (status = 206, description = "The part that `Range` names: one range of bytes. Several are answered with the whole file", body = FileBytes, content_type = "*/*"),
        (status = 302, description = "The file has more than 4.5 MB: a storage URL, good for five minutes"),
        (status = 304, description = "If-None-Match names the file's ETag"),
        (status = 416, description = "`range_not_satisfiable`: the range starts beyond the end of the file"),
    )
)]
pub async fn shared_file(
    State(app): State<App>,
    token: Result<Path<String>, axum::extract::rejection::PathRejection>,
    asked: Asked,
) -> Result<Response, Error> {
    let token = token.map_or_else(|_| String::new(), |Path(token)| token);
    let link = ShareLink::verified(&token, &app.secrets, app.clock.now()).ok_or(Error::NotFound("shared file"))?;
    let file = app.store.files().get_shared(&link).await.map_err(|err| match err {
        Error::NotFound(_) => Error::NotFound("shared file"),
        err => err,
    })?;
    let mut response = serve::file(&app, &file, &asked).await?;
    // A page of another site may embed what it has a link to.
    response.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    Ok(response)
}
