//! `{{KEY}}` in the headers of a request stands for the plugin's setting of that name: a secret
//! one reaches the host that it is for without ever being in a browser.

use shared::input::Problems;
use shared::server_secret::ServerSecret;
use shared::storage::PluginEnv;

use crate::catalogue::Plugin;
use crate::manifest::EnvEntry;
use crate::settings::value_of;

/// What fills the placeholders of one plugin's requests.
pub struct Settings<'a> {
    pub plugin: &'a Plugin,
    pub env: &'a PluginEnv,
    pub secret: &'a ServerSecret,
}

impl Settings<'_> {
    /// The header's value with its placeholders filled in; `None`, with a problem, when one
    /// cannot be. What stands in braces but is no setting stays as it is.
    pub fn fill(&self, header: &str, template: &str, problems: &mut Problems) -> Option<String> {
        let (mut filled, mut rest) = (String::new(), template);
        while let Some((before, key, after)) = next_placeholder(rest) {
            filled.push_str(before);
            match self.plugin.manifest.entry(key) {
                Some(entry) => filled.push_str(&self.value(header, entry, problems)?),
                None => filled.push_str(&format!("{{{{{key}}}}}")),
            }
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }

    fn value(&self, header: &str, entry: &EnvEntry, problems: &mut Problems) -> Option<String> {
        let mut refuse = |code, message| problems.add(vec!["headers".into(), header.into()], code, message);
        // A plugin that may call anybody would hand a secret to anybody.
        if entry.secret && self.plugin.manifest.calls_anyone() {
            refuse("secret_for_anyone", format!("{} is secret, and this plugin may call any host", entry.key));
            return None;
        }
        let value = value_of(self.plugin, entry, self.env, self.secret).or_else(|| entry.default.clone());
        if value.is_none() {
            refuse("not_set", format!("{} is not set for this plugin", entry.key));
        }
        value
    }
}

/// What is before the first `{{KEY}}`, the key, and what is after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (key, after) = rest.split_once("}}")?;
    Some((before, key, after))
}
