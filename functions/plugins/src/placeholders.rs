//! `{{KEY}}` in the headers of a request stands for the plugin's setting of that name: a secret
//! one reaches the host that it is for without ever being in a browser.

use shared::secrets::ServerSecrets;
use shared::storage::PluginEnv;

use crate::catalogue::Plugin;
use crate::manifest::EnvEntry;
use crate::settings::value_of;

/// As much of one header as hosts usually take.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Why a placeholder cannot be filled in: a code and a sentence.
pub type FillError = (&'static str, String);

/// What fills the placeholders of one plugin's requests.
pub struct Settings<'a> {
    pub plugin: &'a Plugin,
    pub env: &'a PluginEnv,
    pub secrets: &'a ServerSecrets,
    /// Whether the request's way is one that a secret may go: encrypted, to the host's own service.
    pub is_safe: bool,
}

impl Settings<'_> {
    /// The text with its placeholders filled in. What stands in braces but is no setting stays as
    /// it is, and so does whatever a value holds.
    pub fn fill(&self, template: &str) -> Result<String, FillError> {
        let (mut filled, mut rest) = (String::new(), template);
        while let Some((before, key, after)) = next_placeholder(rest) {
            filled.push_str(before);
            match self.plugin.manifest.entry(key) {
                Some(entry) => filled.push_str(&self.value(entry)?),
                None => filled.push_str(&format!("{{{{{key}}}}}")),
            }
            // At once: a short template may name a long value very often.
            within(filled.len())?;
            rest = after;
        }
        within(filled.len() + rest.len())?;
        Ok(filled + rest)
    }

    fn value(&self, entry: &EnvEntry) -> Result<String, FillError> {
        // A plugin that may call any host could send a secret to any host.
        if entry.secret && self.plugin.manifest.calls_anyone() {
            return Err(("secret_for_anyone", format!("{} is secret, and this plugin may call any host", entry.key)));
        }
        if entry.secret && !self.is_safe {
            let sentence =
                format!("{} is secret, and goes over https only, to port 443 or the one in the manifest", entry.key);
            return Err(("secret_in_the_open", sentence));
        }
        let value = value_of(self.plugin, entry, self.env, self.secrets).or_else(|| entry.default.clone());
        value.ok_or_else(|| ("not_set", format!("{} is not set for this plugin", entry.key)))
    }
}

fn within(len: usize) -> Result<(), FillError> {
    if len <= MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(("too_long", format!("a header's value may have at most {MAX_VALUE_BYTES} bytes once it is filled in")))
}

/// What is before the first `{{KEY}}`, the key, and what is after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (key, after) = rest.split_once("}}")?;
    Some((before, key, after))
}
