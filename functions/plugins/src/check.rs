//! What a plugin has to be. Checked when the bundled ones are built in (this file is part of
//! `build.rs`, too), so that no deployment starts with one that cannot work.

use serde_json::{Map, Value};

/// One read fetches the settings of all plugins together with the caller's session.
pub const MAX_PLUGINS: usize = 50;

type Members = Map<String, Value>;

/// The files of a plugin.
pub const MANIFEST: &str = "plugin.json";
pub const PAGE: &str = "render.html";
/// An icon is optional: the first of these names that there is, with its media type.
pub const ICONS: [(&str, &str); 2] = [("icon.svg", "image/svg+xml"), ("icon.png", "image/png")];

/// A page travels in one response of a Lambda function.
const MAX_PAGE_BYTES: usize = 1024 * 1024;
const MAX_ICON_BYTES: usize = 64 * 1024;

/// Everything that is wrong with the plugin in the directory `name`; nothing, when it is one. `icon` is the size of its
/// icon in bytes.
pub fn problems(name: &str, manifest: &str, page: &str, icon: Option<usize>) -> Vec<String> {
    let mut problems = vec![];
    match serde_json::from_str(manifest) {
        Ok(Value::Object(members)) => {
            if members.get("name").and_then(Value::as_str) != Some(name) {
                problems.push("name must be that of the directory: that makes it the only one".to_owned());
            }
            check_about(&members, &mut problems);
            check_permissions(&members, &mut problems);
            check_env(&members, &mut problems);
        }
        Ok(_) => problems.push("plugin.json must be an object".to_owned()),
        Err(err) => problems.push(format!("plugin.json is not JSON: {err}")),
    }
    check_page(page, &mut problems);
    if page.len() > MAX_PAGE_BYTES {
        problems.push(format!("render.html may have at most {MAX_PAGE_BYTES} bytes"));
    }
    if icon.is_some_and(|size| size > MAX_ICON_BYTES) {
        problems.push(format!("an icon may have at most {MAX_ICON_BYTES} bytes"));
    }
    problems
}

fn check_about(manifest: &Members, problems: &mut Vec<String>) {
    let text = |name: &str| manifest.get(name).and_then(Value::as_str).unwrap_or_default();
    if !is_kebab(text("name")) {
        problems.push("name must be in kebab-case".to_owned());
    }
    if text("displayName").trim().is_empty() {
        problems.push("displayName must be a text".to_owned());
    }
    if semver::Version::parse(text("version")).is_err() {
        problems.push("version must be one by semver.org, such as 1.0.0".to_owned());
    }
    for name in ["description", "author", "icon"] {
        if manifest.get(name).is_some_and(|it| !it.is_string() && !it.is_null()) {
            problems.push(format!("{name} must be a text"));
        }
    }
    if manifest.get("inputSchema").is_some_and(|it| !it.is_object() && !it.is_null()) {
        problems.push("inputSchema must be an object".to_owned());
    }
}

fn check_permissions(manifest: &Members, problems: &mut Vec<String>) {
    let Some(permissions) = manifest.get("permissions").filter(|it| !it.is_null()) else { return };
    if !permissions["httpRequests"].is_boolean() {
        problems.push("permissions.httpRequests must be true or false".to_owned());
    }
    let domains = permissions["maxHttpDomains"].as_array();
    let are_hosts = domains.is_some_and(|domains| domains.iter().all(|it| it.as_str().is_some_and(is_host)));
    if !are_hosts {
        problems.push(
            "permissions.maxHttpDomains must be host names in lower case, with or without a port, or *".to_owned(),
        );
    }
}

fn check_env(manifest: &Members, problems: &mut Vec<String>) {
    let Some(env) = manifest.get("env").filter(|it| !it.is_null()) else { return };
    let Some(entries) = env.as_array() else { return problems.push("env must be an array".to_owned()) };
    let mut keys = vec![];
    for entry in entries {
        let key = entry["key"].as_str().unwrap_or_default();
        let shaped = key.starts_with(|c: char| c.is_ascii_uppercase())
            && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !shaped || key.len() > 64 || keys.contains(&key) {
            problems.push(format!("env: {key:?} must be a key like API_TOKEN, once"));
        }
        keys.push(key);
        if entry["label"].as_str().is_none_or(|label| label.trim().is_empty()) {
            problems.push(format!("env: {key} needs a label"));
        }
        for name in ["required", "secret"] {
            if entry.get(name).is_some_and(|it| !it.is_boolean()) {
                problems.push(format!("env: {name} of {key} must be true or false"));
            }
        }
        for name in ["default", "description"] {
            if entry.get(name).is_some_and(|it| !it.is_string() && !it.is_null()) {
                problems.push(format!("env: {name} of {key} must be a text"));
            }
        }
    }
}

/// Its scripts run because their hashes are known, and only once the data is there: so they are
/// found here exactly as they are found when it is served.
fn check_page(page: &str, problems: &mut Vec<String>) {
    let lower = page.to_ascii_lowercase();
    if lower.matches("<script").count() != page.matches("<script>").count()
        || lower.matches("</script").count() != page.matches("<script>").count()
    {
        problems.push("render.html may hold scripts as <script>...</script> only, without attributes".to_owned());
    }
    if !page.contains("<head>") {
        problems.push("render.html must have a <head>".to_owned());
    }
}

fn is_kebab(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= 64 && name.split('-').all(plain)
}

fn is_host(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:[]".contains(&b);
    // The last colon of an IPv6 address is within its brackets; any other stands before a port.
    let port = if name.ends_with(']') { None } else { name.rsplit_once(':') };
    let has_port = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok());
    name == "*" || (!name.is_empty() && name.len() <= 253 && name.bytes().all(plain) && has_port)
}
