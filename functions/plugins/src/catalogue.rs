//! The plugins that there are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use shared::error::Error;

use crate::check;
use crate::directory::{self, Icon, Source};
use crate::frame::Frame;
use crate::manifest::Manifest;

/// The media type and the bytes of an icon that is compiled in.
type BundledIcon = (&'static str, &'static [u8]);

/// The manifest, page and icon of each directory in `web/plugins`, checked by `build.rs`.
const BUNDLED: &[(&str, &str, Option<BundledIcon>)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// One plugin: its manifest, its page and its icon.
#[derive(Debug)]
pub struct Plugin {
    pub(crate) manifest: Manifest,
    pub(crate) frame: Frame,
    pub(crate) icon: Option<Icon>,
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
    pub fn of(pages: &[(&str, &str)]) -> Result<Self, String> {
        let source = |(manifest, page): &(&str, &str)| {
            let named = serde_json::from_str::<Value>(manifest).ok();
            let name = named.as_ref().and_then(|it| it["name"].as_str()).unwrap_or_default();
            let problems = check::problems(name, manifest, page, None);
            let of = |text: &str| Cow::Owned(text.to_owned());
            if problems.is_empty() {
                Ok(Source { manifest: of(manifest), page: of(page), icon: None })
            } else {
                Err(problems.join("; "))
            }
        };
        Self::of_sources(pages.iter().map(source).collect::<Result<_, _>>()?)
    }

    /// Of plugins that were checked one by one.
    fn of_sources(sources: Vec<Source>) -> Result<Self, String> {
        if sources.len() > check::MAX_PLUGINS {
            return Err(format!("there can be at most {} plugins", check::MAX_PLUGINS));
        }
        let mut plugins = BTreeMap::new();
        for Source { manifest, page, icon } in sources {
            let manifest: Manifest = serde_json::from_str(&manifest).map_err(|err| err.to_string())?;
            let name = manifest.about.name.clone();
            if plugins.insert(name.clone(), Plugin { manifest, frame: Frame::of(&page), icon }).is_some() {
                return Err(format!("there is a bundled plugin {name}: the directory needs another name"));
            }
        }
        Ok(Self(Arc::new(plugins)))
    }

    /// # Panics
    /// Never: the build checks the same.
    #[expect(clippy::expect_used, reason = "build.rs refuses what would be refused here; a test loads them all")]
    pub fn bundled() -> Self {
        Self::of_sources(bundled()).expect("the bundled plugins were checked when they were built in")
    }

    /// The bundled plugins and those in the subdirectories of `directory`, or everything that is wrong with those.
    pub fn deployed(directory: Option<&Path>) -> Result<Self, String> {
        let mut sources = bundled();
        if let Some(directory) = directory {
            sources.extend(directory::read(directory)?);
        }
        Self::of_sources(sources)
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

fn bundled() -> Vec<Source> {
    let icon = |(mime_type, bytes): BundledIcon| Icon { mime_type, bytes: Bytes::from_static(bytes) };
    let source = |&(manifest, page, bundled_icon): &(&'static str, &'static str, Option<BundledIcon>)| Source {
        manifest: manifest.into(),
        page: page.into(),
        icon: bundled_icon.map(icon),
    };
    BUNDLED.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head></head><body><script>1</script></body></html>";

    #[test]
    fn the_bundled_ones_are_all_there() {
        let names: Vec<String> = Plugins::bundled().all().map(|it| it.manifest.about.name.clone()).collect();
        assert_eq!(names, ["form-answer", "form-submit", "http-check", "kroki-diagram", "status-card"]);
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
