//! The page that a plugin is inside its frame, and the policy that it is shut in by.
//!
//! A plugin's scripts are held back (`type="text/placet"`) until the bridge has got the data
//! from the page around the frame: so they find `Placet.data` there from their first line. They
//! run because the policy names their hashes, and nothing else does.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Defines the global `Placet`.
const BRIDGE: &str = include_str!("../../../web/plugins/bridge.js");

/// Whatever the plugin does, it cannot load or send anything: it has `Placet` to ask.
const SANDBOX_POLICY: &str = "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; \
    font-src data:; media-src data: blob:; connect-src 'none'; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'self'; script-src";

/// The page inside the frame of a plugin.
#[derive(Debug)]
pub struct Frame {
    pub html: String,
    pub policy: String,
}

impl Frame {
    /// Of a page that was checked.
    pub fn of(page: &str) -> Self {
        // A browser hashes what it has parsed, and parsing makes line ends of one kind.
        let page = page.replace("\r\n", "\n");
        let mut policy = format!("{SANDBOX_POLICY} {}", hash(BRIDGE));
        for script in page.split("<script>").skip(1).filter_map(|rest| rest.split_once("</script>")) {
            // Writing to a String cannot fail.
            let _ = write!(policy, " {}", hash(script.0));
        }
        let held_back = page.replace("<script>", "<script type=\"text/placet\">");
        let html = held_back.replacen("<head>", &format!("<head>\n<script>{BRIDGE}</script>"), 1);
        Self { html, policy }
    }
}

fn hash(script: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_runs_by_its_hash_once_the_bridge_lets_it() {
        let frame = Frame::of("<head></head><script>a()\r\n</script><script>b()</script>");
        assert!(frame.html.starts_with("<head>\n<script>"));
        assert_eq!(frame.html.matches("<script type=\"text/placet\">").count(), 2);
        for script in [BRIDGE, "a()\n", "b()"] {
            assert!(frame.policy.contains(&hash(script)), "{script}");
        }
        assert!(!BRIDGE.contains("</script") && !BRIDGE.contains('\r'));
    }
}
