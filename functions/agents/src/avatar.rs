//! `POST`, `GET` and `DELETE /api/agents/{id}/avatar`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use shared::caller::HumanCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{PathId, Query};
use shared::http::upload::ImageUpload;
use shared::ids::AgentId;
use shared::image::ImageVersion;
use shared::models::Agent;
use utoipa::ToSchema;

/// The multipart form of a picture.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form")]
pub struct AvatarForm {
    /// PNG, JPEG, GIF or WebP, detected from its bytes; at most 1 MiB
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// The bytes of a picture.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it only describes the body")]
pub struct Picture(Vec<u8>);

/// Gives an agent a picture
#[utoipa::path(
    post,
    path = "/api/agents/{id}/avatar",
    tag = "People: agents",
    operation_id = "setMyAgentAvatar",
    params(("id" = AgentId, Path)),
    request_body(content = AvatarForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Agent))
)]
pub async fn set(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
    ImageUpload(image): ImageUpload,
) -> Result<(StatusCode, Json<Agent>), Error> {
    let channel = app.store.agents().get(&human, id).await?;
    Ok((StatusCode::CREATED, Json(app.store.agents().set_avatar(&channel, image).await?)))
}

/// An agent's uploaded picture
///
/// 404 when it has none; 304 when the caller has it.
#[utoipa::path(
    get,
    path = "/api/agents/{id}/avatar",
    tag = "People: agents",
    operation_id = "getMyAgentAvatar",
    params(("id" = AgentId, Path), ImageVersion),
    responses(
        (status = 200, content(
            (Picture = "image/png"), (Picture = "image/jpeg"), (Picture = "image/gif"), (Picture = "image/webp"),
        )),
        (status = 304),
    )
)]
pub async fn get(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
    headers: HeaderMap,
    Query(wanted): Query<ImageVersion>,
) -> Result<Response, Error> {
    let avatar = app.store.agents().get(&human, id).await?.avatar()?;
    let etag = format!("\"{}\"", avatar.version);
    let known = headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains(&etag));
    let for_good = wanted.v.as_ref() == Some(&avatar.version);
    let kept = if for_good { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    let about = [(CACHE_CONTROL, kept.to_owned()), (ETAG, etag)];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let stored = app.blobs.get(&avatar.storage_key).await?;
    let bytes = stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes();
    Ok((about, [(CONTENT_TYPE, avatar.kind.mime_type())], bytes).into_response())
}

/// Takes an agent's uploaded picture away
///
/// 404 when it has none.
#[utoipa::path(
    delete,
    path = "/api/agents/{id}/avatar",
    tag = "People: agents",
    operation_id = "deleteMyAgentAvatar",
    params(("id" = AgentId, Path)),
    responses((status = 200, body = Agent))
)]
pub async fn delete(
    State(app): State<App>,
    human: HumanCaller,
    PathId(id): PathId<AgentId>,
) -> Result<Json<Agent>, Error> {
    let channel = app.store.agents().get(&human, id).await?;
    Ok(Json(app.store.agents().delete_avatar(&channel).await?))
}
