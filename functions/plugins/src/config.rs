//! `/api/plugins/{name}/config`: the settings of a plugin in the shape of Placet.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use shared::caller::{HumanCaller, OwnerCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{Json, PathId};
use shared::secrets::ServerSecrets;
use shared::storage::PluginEnv;
use shared::validation::{FromObject, JsonObject};
use utoipa::ToSchema;

use crate::catalogue::{Plugin, Plugins};
use crate::manifest::EnvEntry;
use crate::settings::{EnvChanges, Found, encrypted, find, value_of};

/// What stands for a secret value. Sent back, it leaves the value as it is.
const HIDDEN: &str = "***";

/// The settings of a plugin
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginConfig {
    name: String,
    /// Whether it draws messages
    enabled: bool,
    env_schema: Vec<EnvEntry>,
    /// The values that are set; secret ones as `***`
    #[schema(example = json!({ "API_TOKEN": "***" }))]
    env_values: BTreeMap<String, String>,
}

/// `PUT /api/plugins/{name}/config`.
#[derive(ToSchema)]
#[schema(as = ChangePluginConfig, rename_all = "camelCase")]
pub struct ChangeConfig {
    /// Values to set; null unsets one, `***` and absence leave it
    #[schema(value_type = Option<std::collections::HashMap<String, Option<String>>>, example = json!({ "API_TOKEN": "secret" }))]
    env_values: EnvChanges,
    /// Whether it draws messages
    enabled: Option<bool>,
}

impl FromObject for ChangeConfig {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let EnvChanges(mut values) = object.object("envValues").unwrap_or(EnvChanges(BTreeMap::new()));
        values.retain(|_, value| value.as_deref() != Some(HIDDEN));
        Some(Self { env_values: EnvChanges(values), enabled: object.boolean("enabled") })
    }
}

/// The settings of a plugin
#[utoipa::path(
    get,
    path = "/api/plugins/{name}/config",
    tag = "Plugins",
    operation_id = "getPluginConfig",
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, body = PluginConfig))
)]
pub async fn get(
    State(app): State<App>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
) -> Result<axum::Json<PluginConfig>, Error> {
    let Found { plugin, env, .. } = find(&app, &human, &plugins, &name).await?;
    Ok(axum::Json(PluginConfig::of(plugin, &env, &app.secrets)))
}

/// Changes the settings of a plugin
///
/// For owners only. A plugin that is switched off draws nothing and sends no requests.
#[utoipa::path(
    put,
    path = "/api/plugins/{name}/config",
    tag = "Plugins",
    operation_id = "changePluginConfig",
    params(("name" = String, Path, example = "status-card")),
    request_body = ChangeConfig,
    responses((status = 200, body = PluginConfig))
)]
pub async fn update(
    State(app): State<App>,
    owner: OwnerCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
    Json(change): Json<ChangeConfig>,
) -> Result<axum::Json<PluginConfig>, Error> {
    let (by, _) = app.store.accounts().authenticate_owner(&owner, &[]).await?;
    let plugin = plugins.named(&name)?;
    let changes = encrypted("envValues", change.env_values, plugin, app.secrets.current()?)?;
    let env = app.store.plugins().update_env(by, plugin.name(), changes, change.enabled).await?;
    Ok(axum::Json(PluginConfig::of(plugin, &env, &app.secrets)))
}

impl PluginConfig {
    fn of(plugin: &Plugin, env: &PluginEnv, secrets: &ServerSecrets) -> Self {
        let value = |entry: &EnvEntry| {
            let value = value_of(plugin, entry, env, secrets)?;
            Some((entry.key.clone(), if entry.secret { HIDDEN.to_owned() } else { value }))
        };
        let schema = plugin.manifest.env();
        Self {
            name: plugin.name().to_owned(),
            enabled: !env.is_disabled,
            env_schema: schema.to_vec(),
            env_values: schema.iter().filter_map(value).collect(),
        }
    }
}
