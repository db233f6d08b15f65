//! `GET /api/plugins`, `GET /api/plugins/{name}` and `PATCH /api/plugins/{name}`: what an owner set for the plugins.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use shared::caller::{HumanCaller, OwnerCaller};
use shared::error::Error;
use shared::http::App;
use shared::http::extract::{Json, PathId};
use shared::ids::UserId;
use shared::secrets::Encrypted;
use shared::secrets::{Purpose, ServerSecret, ServerSecrets};
use shared::storage::PluginEnv;
use shared::validation::{FromObject, JsonObject, ValidationErrors};
use utoipa::ToSchema;

use crate::catalogue::{Plugin, Plugins};
use crate::manifest::{About, EnvEntry};

/// The most characters that a value may have.
const MAX_VALUE: usize = 4096;

/// A plugin, with what is set for it
#[derive(Serialize, ToSchema)]
pub struct PluginSettings {
    #[serde(flatten)]
    about: About,
    /// Whether it draws messages
    enabled: bool,
    env: Vec<EnvSetting>,
}

/// A setting of a plugin and its value, unless it is secret
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginEnvSetting)]
pub struct EnvSetting {
    #[serde(flatten)]
    entry: EnvEntry,
    is_set: bool,
    /// Null when it is secret or not set
    value: Option<String>,
}

/// `PATCH /api/plugins/{name}`.
#[derive(ToSchema)]
#[schema(as = ChangePluginSettings)]
pub struct ChangeSettings {
    /// Values to set; null unsets one
    #[schema(value_type = std::collections::HashMap<String, Option<String>>, example = json!({ "API_TOKEN": "secret" }))]
    env: EnvChanges,
}

/// Values by key; null unsets one.
pub struct EnvChanges(pub BTreeMap<String, Option<String>>);

impl FromObject for ChangeSettings {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        object.require("env", |o| o.object("env")).map(|env| Self { env })
    }
}

impl FromObject for EnvChanges {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let keys: Vec<String> = object.names().map(str::to_owned).collect();
        let mut changes = BTreeMap::new();
        for key in keys {
            let value = if object.has(&key) { Some(object.short_string(&key, MAX_VALUE)) } else { None };
            changes.insert(key, value.flatten());
        }
        Some(Self(changes))
    }
}

/// All plugins, and what is set for them
#[utoipa::path(
    get,
    path = "/api/plugins",
    tag = "Plugins",
    operation_id = "listPluginSettings",
    responses((status = 200, body = Vec<PluginSettings>))
)]
pub async fn list(
    State(app): State<App>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
) -> Result<axum::Json<Vec<PluginSettings>>, Error> {
    let names: Vec<&str> = plugins.all().map(|plugin| &*plugin.manifest.about.name).collect();
    let (_, envs) = app.store.plugins().envs(&human, &names).await?;
    let shown = plugins.all().zip(&envs).map(|(plugin, env)| PluginSettings::of(plugin, env, &app.secrets));
    Ok(axum::Json(shown.collect()))
}

/// A plugin, and what is set for it
#[utoipa::path(
    get,
    path = "/api/plugins/{name}",
    tag = "Plugins",
    operation_id = "getPluginSettings",
    params(("name" = String, Path, example = "status-card")),
    responses((status = 200, body = PluginSettings))
)]
pub async fn get(
    State(app): State<App>,
    human: HumanCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
) -> Result<axum::Json<PluginSettings>, Error> {
    let Found { plugin, env, .. } = find(&app, &human, &plugins, &name).await?;
    Ok(axum::Json(PluginSettings::of(plugin, &env, &app.secrets)))
}

/// A plugin, what is set for it, and the caller.
pub struct Found<'a> {
    pub plugin: &'a Plugin,
    pub env: PluginEnv,
    pub user: UserId,
}

/// A plugin and what is set for it, once the caller is known.
pub async fn find<'a>(app: &App, human: &HumanCaller, plugins: &'a Plugins, name: &str) -> Result<Found<'a>, Error> {
    let plugin = plugins.named(name);
    let known: Vec<&str> = plugin.iter().map(|plugin| plugin.name()).collect();
    let (user, mut envs) = app.store.plugins().envs(human, &known).await?;
    Ok(Found { plugin: plugin?, env: envs.pop().unwrap_or_default(), user })
}

/// Sets and unsets values of a plugin
///
/// For owners only. They are kept encrypted; secret ones are never shown back.
#[utoipa::path(
    patch,
    path = "/api/plugins/{name}",
    tag = "Plugins",
    operation_id = "changePluginSettings",
    params(("name" = String, Path, example = "status-card")),
    request_body = ChangeSettings,
    responses((status = 200, body = PluginSettings))
)]
pub async fn update(
    State(app): State<App>,
    owner: OwnerCaller,
    Extension(plugins): Extension<Plugins>,
    PathId(name): PathId<String>,
    Json(change): Json<ChangeSettings>,
) -> Result<axum::Json<PluginSettings>, Error> {
    let (by, _) = app.store.accounts().authenticate_owner(&owner, &[]).await?;
    let plugin = plugins.named(&name)?;
    let changes = encrypted("env", change.env, plugin, app.secrets.current()?)?;
    let env = app.store.plugins().update_env(by, plugin.name(), changes, None).await?;
    Ok(axum::Json(PluginSettings::of(plugin, &env, &app.secrets)))
}

/// The changes, encrypted, once the plugin is known to have all of these keys. `member` is where they were sent.
pub fn encrypted(
    member: &'static str,
    EnvChanges(changes): EnvChanges,
    plugin: &Plugin,
    secret: &ServerSecret,
) -> Result<BTreeMap<String, Option<Encrypted>>, Error> {
    let (manifest, mut problems) = (&plugin.manifest, ValidationErrors::default());
    for key in changes.keys().filter(|key| manifest.entry(key).is_none()) {
        let path = vec![member.into(), key.as_str().into()];
        problems.add(path, "unknown", format!("{} has no setting of that name", manifest.about.name));
    }
    let key = secret.key(Purpose::PluginSettings);
    let encrypt = |(name, value): (String, Option<String>)| {
        let encrypted = value.map(|value| Encrypted::of(&value, &key, &place(plugin, &name))).transpose()?;
        Ok((name, encrypted))
    };
    problems.finish(Some(changes))?.into_iter().map(encrypt).collect()
}

/// The context that a value is encrypted for: it cannot be decrypted in another.
fn place(plugin: &Plugin, key: &str) -> String {
    format!("{}/{key}", plugin.manifest.about.name)
}

/// The value that is set for `entry`. One that was set under a secret that is no longer accepted is not.
pub fn value_of(plugin: &Plugin, entry: &EnvEntry, env: &PluginEnv, secrets: &ServerSecrets) -> Option<String> {
    secrets.decrypt(Purpose::PluginSettings, env.get(&entry.key)?, &place(plugin, &entry.key))
}

impl PluginSettings {
    fn of(plugin: &Plugin, stored: &PluginEnv, secrets: &ServerSecrets) -> Self {
        let setting = |entry: &EnvEntry| {
            let value = value_of(plugin, entry, stored, secrets);
            EnvSetting { entry: entry.clone(), is_set: value.is_some(), value: value.filter(|_| !entry.secret) }
        };
        let env = plugin.manifest.env().iter().map(setting).collect();
        Self { about: plugin.manifest.about.clone(), enabled: !stored.is_disabled, env }
    }
}
