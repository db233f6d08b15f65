//! `GET /.well-known/jwks.json`

use axum::Json;
use axum::extract::State;
use http::HeaderName;
use http::header::CACHE_CONTROL;
use serde::Serialize;
use shared::error::Error;
use shared::http::App;
use shared::secrets::Jwk;
use utoipa::ToSchema;

/// How long a copy may be used. Libraries fetch the set again when they meet a key that they do not know.
const CACHING: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=300");

/// A JWK set (RFC 7517)
#[derive(Serialize, ToSchema)]
pub struct KeySet {
    /// The key that signs now, then those of previous secrets
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Jwk>,
}

/// The public keys of receipts
///
/// A receipt is a JWS whose header names its key by `kid`. The keys of previous secrets stay listed.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "Service",
    operation_id = "getKeys",
    responses((status = 200, body = KeySet))
)]
pub async fn jwks(State(app): State<App>) -> Result<([(HeaderName, &'static str); 1], Json<KeySet>), Error> {
    let keys = app.secrets.iter().map(|secret| Ok(secret.receipt_key()?.jwk())).collect::<Result<_, Error>>()?;
    Ok(([CACHING], Json(KeySet { keys })))
}
