//! The plugins that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use shared::error::Error;

use crate::check;
use crate::frame::Frame;
use crate::manifest::Manifest;

/// `(plugin.json, render.html)` of each directory in `web/plugins`, checked by `build.rs`.
const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// One plugin: its manifest and its page.
#[derive(Debug)]
pub struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) frame: Frame,
}

impl Plugin {
    /// Its name, in kebab-case.
    pub fn name(&self) -> &str {
        &self.manifest.about.name
    }

    pub fn description(&self) -> Option<&str> {
        self.manifest.about.description.as_deref()
    }

    /// The JSON Schema of its data.
    pub fn input_schema(&self) -> Option<&Map<String, Value>> {
        self.manifest.about.input_schema.as_ref()
    }
}

/// Plugins by name; clones share them.
#[derive(Clone, Debug)]
pub struct Plugins(Arc<BTreeMap<String, Plugin>>);

impl Plugins {
    /// Of their manifests and pages, or what is wrong with one.
    pub fn of(sources: &[(&str, &str)]) -> Result<Self, String> {
        if sources.len() > check::MAX_PLUGINS {
            return Err(format!("there can be at most {} plugins", check::MAX_PLUGINS));
        }
        let mut plugins = BTreeMap::new();
        for (manifest, page) in sources {
            let problems = check::problems(manifest, page);
            if !problems.is_empty() {
                return Err(problems.join("; "));
            }
            let manifest: Manifest = serde_json::from_str(manifest).map_err(|err| err.to_string())?;
            plugins.insert(manifest.about.name.clone(), Plugin { manifest, frame: Frame::of(page) });
        }
        Ok(Self(Arc::new(plugins)))
    }

    /// # Panics
    /// Never: the build checks the same.
    #[expect(clippy::expect_used, reason = "build.rs refuses what would be refused here; a test loads them all")]
    pub fn bundled() -> Self {
        Self::of(BUNDLED).expect("the bundled plugins were checked when they were built in")
    }

    /// Every plugin, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = &Plugin> {
        self.0.values()
    }

    /// Call it after authentication: unauthenticated callers must not learn which plugins exist.
    pub fn named(&self, name: &str) -> Result<&Plugin, Error> {
        self.0.get(name).ok_or(Error::NotFound("plugin"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head></head><body><script>1</script></body></html>";

    #[test]
    fn the_bundled_ones_are_all_there() {
        let names: Vec<String> = Plugins::bundled().all().map(|it| it.manifest.about.name.clone()).collect();
        assert_eq!(names, ["form-answer", "http-check", "status-card"]);
    }

    #[test]
    fn what_is_no_plugin_is_refused_with_its_reason() {
        let least = r#""name":"a-b","displayName":"A","version":"1.0.0""#;
        assert!(Plugins::of(&[(&format!("{{{least}}}"), PAGE)]).is_ok());
        for (manifest, said) in [
            ("[]", "must be an object"),
            ("{", "not JSON"),
            (r#"{"name":"A b","displayName":"A","version":"1.0.0"}"#, "kebab-case"),
            (r#"{"name":"a--b","displayName":"A","version":"1.0.0"}"#, "kebab-case"),
            (r#"{"name":"a","displayName":" ","version":"1.0.0"}"#, "displayName"),
            (r#"{"name":"a","displayName":"A","version":"1.0"}"#, "semver"),
            (&format!(r#"{{{least},"icon":1}}"#), "icon"),
            (&format!(r#"{{{least},"permissions":{{}}}}"#), "httpRequests"),
            (&format!(r#"{{{least},"permissions":{{"httpRequests":true,"maxHttpDomains":["A b"]}}}}"#), "host names"),
            (&format!(r#"{{{least},"permissions":{{"httpRequests":true,"maxHttpDomains":["a:b"]}}}}"#), "host names"),
            (&format!(r#"{{{least},"env":{{}}}}"#), "env must be an array"),
            (&format!(r#"{{{least},"env":[{{"key":"a b","label":"x"}}]}}"#), "API_TOKEN"),
            (&format!(r#"{{{least},"env":[{{"key":"A"}}]}}"#), "label"),
            (&format!(r#"{{{least},"env":[{{"key":"A","label":"x","secret":1}}]}}"#), "secret of A"),
        ] {
            let refused = Plugins::of(&[(manifest, PAGE)]).err().unwrap_or_default();
            assert!(refused.contains(said), "{manifest}: {refused}");
        }
        for page in ["<script>1</script>", "<head></head><script src=x></script>", "<head></head><SCRIPT>1</SCRIPT>"] {
            assert!(Plugins::of(&[(&format!("{{{least}}}"), page)]).is_err(), "{page}");
        }
    }
}
