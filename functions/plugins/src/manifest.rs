//! `plugin.json`: the description of a plugin.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a plugin says about itself
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginAbout)]
pub struct About {
    /// In kebab-case, unique: what `metadata.plugin` of a message says
    #[schema(example = "status-card")]
    pub name: String,
    pub display_name: String,
    #[schema(example = "1.0.0")]
    pub version: String,
    pub description: Option<String>,
    pub author: Option<String>,
    pub icon: Option<String>,
    /// A JSON Schema of its data
    pub input_schema: Option<Map<String, Value>>,
    pub permissions: Option<Permissions>,
}

/// A plugin, as agents see it
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginManifest)]
pub struct Manifest {
    #[serde(flatten)]
    pub about: About,
    pub env: Option<Vec<EnvEntry>>,
}

/// What a plugin may do
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PluginPermissions)]
pub struct Permissions {
    /// Whether it may have the server send requests
    pub http_requests: bool,
    /// To which hosts, on any port or on the one that is named; `*` is any public one
    #[schema(example = json!(["api.example.com", "api.example.com:8443"]))]
    pub max_http_domains: Vec<String>,
}

/// A value that an owner sets for a plugin
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginEnvEntry)]
pub struct EnvEntry {
    #[schema(example = "API_TOKEN")]
    pub key: String,
    pub label: String,
    #[serde(default)]
    pub required: bool,
    pub default: Option<String>,
    /// Never shown back, and never given to the frame
    #[serde(default)]
    pub secret: bool,
    pub description: Option<String>,
}

impl Manifest {
    /// The settings that the plugin declares.
    pub fn env(&self) -> &[EnvEntry] {
        self.env.as_deref().unwrap_or_default()
    }

    /// The setting of this key.
    pub fn entry(&self, key: &str) -> Option<&EnvEntry> {
        self.env().iter().find(|entry| entry.key == key)
    }

    /// The hosts that it may have requests sent to.
    pub fn hosts(&self) -> &[String] {
        let permissions = self.about.permissions.as_ref().filter(|it| it.http_requests);
        permissions.map(|it| &*it.max_http_domains).unwrap_or_default()
    }

    /// Whether it may call any public host.
    pub fn calls_anyone(&self) -> bool {
        self.hosts().iter().any(|host| host == "*")
    }
}

/// What a manifest names as `api.example.com` or `api.example.com:8443`: a host, and maybe a port.
pub fn host_and_port(named: &str) -> (&str, Option<u16>) {
    // The last colon of an IPv6 address is within its brackets, so what follows it is no number.
    let parts = named.rsplit_once(':').and_then(|(host, port)| Some((host, Some(port.parse().ok()?))));
    parts.unwrap_or((named, None))
}
