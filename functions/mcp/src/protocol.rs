//! The revisions of the protocol, and what the headers of a request must say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::json;

use crate::rpc::{
    Failure, HEADER_MISMATCH, INVALID_PARAMS, MISSING_CAPABILITY, Members, Request, UNSUPPORTED_VERSION, members_at,
    text_of,
};

/// The revision whose requests carry everything themselves.
const STATELESS: &str = "2026-07-28";
/// The revisions that begin with `initialize`, the preferred one first.
const HANDSHAKE: [&str; 2] = ["2025-11-25", "2025-06-18"];
/// All revisions that are served.
pub const VERSIONS: [&str; 3] = [STATELESS, HANDSHAKE[0], HANDSHAKE[1]];

/// The extension that makes a review a task.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// How a request is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// 2025-11-25 and 2025-06-18.
    Handshake,
    /// 2026-07-28.
    Stateless {
        /// The client has declared the tasks extension.
        takes_tasks: bool,
    },
}

impl Revision {
    /// What the header alone says: a request without it is one of the older revisions.
    pub fn is_stateless(headers: &HeaderMap) -> bool {
        header(headers, "mcp-protocol-version").is_some_and(|version| !HANDSHAKE.contains(&version))
    }

    /// Checks the headers of a request against its body.
    pub fn of(headers: &HeaderMap, request: &Request) -> Result<Self, Failure> {
        if !Self::is_stateless(headers) {
            return Ok(Self::Handshake);
        }
        let meta = members_at(&request.params, &["_meta"]);
        for key in [VERSION_KEY, CAPABILITIES_KEY] {
            if !meta.contains_key(key) {
                return Err(Failure::new(INVALID_PARAMS, format!("params._meta lacks {key}.")));
            }
        }
        let version = text_of(&meta, VERSION_KEY).unwrap_or_default();
        must_match(headers, "MCP-Protocol-Version", &version)?;
        must_match(headers, "Mcp-Method", &request.method)?;
        if let Some(name) = name_of(request) {
            must_match(headers, "Mcp-Name", &name)?;
        }
        if version != STATELESS {
            return Err(unsupported(&version));
        }
        let extensions = members_at(&meta, &[CAPABILITIES_KEY, "extensions"]);
        Ok(Self::Stateless { takes_tasks: extensions.contains_key(TASKS) })
    }

    pub fn takes_tasks(self) -> bool {
        self == Self::Stateless { takes_tasks: true }
    }
}

/// Whether a notification was sent under a revision that is served.
pub fn check_notification(headers: &HeaderMap) -> Result<(), Failure> {
    match header(headers, "mcp-protocol-version") {
        Some(version) if !VERSIONS.contains(&version) => Err(unsupported(version)),
        _ => Ok(()),
    }
}

/// The version that `initialize` agrees on.
pub fn agreed_version(params: &Members) -> &'static str {
    let asked = text_of(params, "protocolVersion").unwrap_or_default();
    HANDSHAKE.into_iter().find(|version| *version == asked).unwrap_or(HANDSHAKE[0])
}

/// The refusal of a request that needs the tasks extension.
pub fn lacks_tasks() -> Failure {
    let needed = json!({ "requiredCapabilities": { "extensions": { TASKS: {} } } });
    Failure::new(MISSING_CAPABILITY, "This request needs the tasks extension among the client's capabilities.")
        .with(needed)
}

fn unsupported(version: &str) -> Failure {
    let data = json!({ "supported": VERSIONS, "requested": version });
    Failure::new(UNSUPPORTED_VERSION, "This protocol version is not supported.").with(data)
}

/// What `Mcp-Name` repeats of a request.
fn name_of(request: &Request) -> Option<String> {
    let member = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        method if method.starts_with("tasks/") => "taskId",
        _ => return None,
    };
    text_of(&request.params, member)
}

fn must_match(headers: &HeaderMap, name: &str, said: &str) -> Result<(), Failure> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).map(str::trim);
    let is_equal = value.and_then(decoded).is_some_and(|value| value == said);
    if is_equal && values.next().is_none() {
        return Ok(());
    }
    Err(Failure::new(HEADER_MISMATCH, format!("The header {name} must say what the body says.")))
}

/// A header's value; one that is no plain ASCII is sent as `=?base64?...?=`.
fn decoded(value: &str) -> Option<String> {
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
