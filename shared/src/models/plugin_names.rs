//! The names of the plugins of an installation, which the type of a review may be.

use std::path::Path;
use std::sync::Arc;

/// The bundled plugins.
const BUNDLED: &[&str] = include!(concat!(env!("OUT_DIR"), "/plugin_names.rs"));

/// The bundled plugins and those of the installation's directory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct PluginNames(Arc<Vec<String>>);

impl PluginNames {
    /// The bundled plugins and those in the subdirectories of `directory`, which are checked where they are drawn.
    pub fn installed(directory: &Path) -> Self {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let plugins = entries.filter(|entry| entry.path().join("plugin.json").is_file());
        Self(Arc::new(plugins.filter_map(|entry| entry.file_name().into_string().ok()).collect()))
    }

    /// Whether there is a plugin of this name.
    pub fn contains(&self, name: &str) -> bool {
        BUNDLED.contains(&name) || self.0.iter().any(|it| it == name)
    }
}
