//! `/api/users`, for owners

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use shared::caller::OwnerCaller;
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{self, PathId};
use shared::ids::UserId;
use shared::models::{CreateUser, CreatedUser, PatchUser, User};
use shared::storage::{DELETION_TIME, Store};

use crate::Deleted;

/// All users, oldest first
#[utoipa::path(
    get,
    path = "/api/users",
    tag = "Users",
    operation_id = "listUsers",
    responses((status = 200, body = Vec<User>), (status = 403, description = "The caller is no owner"))
)]
pub async fn list(State(store): State<Store>, owner: OwnerCaller) -> Result<Json<Vec<User>>, Error> {
    Ok(Json(store.accounts().list_users(&owner).await?))
}

/// Adds a user, who has to change their password after the first sign-in
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "Users",
    operation_id = "createUser",
    request_body = CreateUser,
    responses(
        (status = 201, body = CreatedUser),
        (status = 403, description = "The caller is no owner"),
        (status = 409, description = "Another account already uses the e-mail address, in upper or lower case")
    )
)]
pub async fn create(
    State(store): State<Store>,
    owner: OwnerCaller,
    extract::Json(new): extract::Json<CreateUser>,
) -> Result<(StatusCode, Json<CreatedUser>), Error> {
    Ok((StatusCode::CREATED, Json(store.accounts().add_user(&owner, new).await?)))
}

/// Changes a user's name, role or e-mail address, or resets their password
#[utoipa::path(
    patch,
    path = "/api/users/{id}",
    tag = "Users",
    operation_id = "updateUser",
    params(("id" = UserId, Path)),
    request_body = PatchUser,
    responses(
        (status = 200, body = User),
        (status = 403, description = "The caller is no owner"),
        (status = 409, description = "The last owner, or an e-mail address that another account has")
    )
)]
pub async fn update(
    State(store): State<Store>,
    owner: OwnerCaller,
    PathId(id): PathId<UserId>,
    extract::Json(patch): extract::Json<PatchUser>,
) -> Result<Json<User>, Error> {
    Ok(Json(store.accounts().update_user(&owner, id, patch).await?))
}

/// Removes a user with their agents, messages, files and keys
///
/// Access ends first. If the call fails on the way, repeat it: the user is listed until all is gone.
#[utoipa::path(
    delete,
    path = "/api/users/{id}",
    tag = "Users",
    operation_id = "deleteUser",
    params(("id" = UserId, Path)),
    responses(
        (status = 200, body = Deleted),
        (status = 403, description = "The caller is no owner, or it is their own account"),
        (status = 409, description = "The last owner")
    )
)]
pub async fn delete(
    State(app): State<App>,
    owner: OwnerCaller,
    PathId(id): PathId<UserId>,
) -> Result<Json<Deleted>, Error> {
    app.store.accounts().delete_user(&owner, id, DELETION_TIME).await?;
    Ok(Json(Deleted { deleted: true }))
}
