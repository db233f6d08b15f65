//! The routes of the HTTP contract, as a table for tests that cover each of them.
//!
//! Paths and bodies have placeholders: `{agent}`, `{message}`, `{file}`, `{key}`, `{session}` and `{user}` for ids,
//! `{pending}`, `{decided}` and `{free}` for ids of messages and files in the state that the call
//! needs, `{client}` and `{stream}` for texts that callers choose. A route has one row for each way to
//! call it.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};

use crate::actors::{Agent, Person};

/// The credentials that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    Agent,
    Human,
}

/// The kind of value that a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placeholder {
    Agent,
    Message,
    /// A message whose approval is pending.
    Pending,
    /// A message whose review is decided.
    Decided,
    File,
    /// A file that no message has claimed.
    Free,
    Key,
    /// A session in another browser.
    Session,
    User,
    Client,
    Stream,
}

impl Placeholder {
    const NAMES: [(&'static str, Self); 11] = [
        ("{agent}", Self::Agent),
        ("{message}", Self::Message),
        ("{pending}", Self::Pending),
        ("{decided}", Self::Decided),
        ("{file}", Self::File),
        ("{free}", Self::Free),
        ("{key}", Self::Key),
        ("{session}", Self::Session),
        ("{user}", Self::User),
        ("{client}", Self::Client),
        ("{stream}", Self::Stream),
    ];

    /// Whether it is an id of the service rather than a text of the caller.
    pub fn is_id(self) -> bool {
        !matches!(self, Self::Client | Self::Stream)
    }

    /// The kind without its state: any message, any file.
    pub fn general(self) -> Self {
        match self {
            Self::Pending | Self::Decided => Self::Message,
            Self::Free => Self::File,
            other => other,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub by: CallerKind,
    pub method: &'static str,
    pub path: &'static str,
    pub body: BodyTemplate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyTemplate {
    None,
    Json(&'static str),
    /// A multipart upload, into the channel if it names one.
    Upload(Option<&'static str>),
}

/// A route with its placeholders filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub by: CallerKind,
    pub method: &'static str,
    pub path: String,
    pub body: CallBody,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CallBody {
    None,
    Json(String),
    Upload(Option<String>),
}

impl Route {
    /// The placeholders in their order.
    pub fn kinds(&self) -> Vec<Placeholder> {
        let mut kinds = vec![];
        self.fill(|kind| {
            kinds.push(kind);
            String::new()
        });
        kinds
    }

    /// Replaces each placeholder with the value of `id`.
    pub fn fill(&self, mut id: impl FnMut(Placeholder) -> String) -> Call {
        let path = fill(self.path, &mut id);
        let body = match self.body {
            BodyTemplate::None => CallBody::None,
            BodyTemplate::Json(template) => CallBody::Json(fill(template, &mut id)),
            BodyTemplate::Upload(channel) => CallBody::Upload(channel.map(|template| fill(template, &mut id))),
        };
        Call { by: self.by, method: self.method, path, body }
    }

    /// The path without its query.
    pub fn path_without_query(&self) -> &'static str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Whether a call deletes or invalidates something that other calls use.
    pub fn is_destructive(&self) -> bool {
        let ends = ["/rotate", "/logout", "/refresh", "/change-password", "/bulk-delete", "/deleteWebhook"];
        self.method == "DELETE" || ends.iter().any(|end| self.path.ends_with(end))
    }
}

impl Call {
    /// The request without its body.
    pub fn request_without_body(&self, person: &Person, agent: &Agent) -> RequestBuilder {
        let method = Method::from_bytes(self.method.as_bytes()).expect("a method");
        match self.by {
            CallerKind::Agent => agent.request(method, &self.path),
            CallerKind::Human => person.request(method, &self.path),
        }
    }

    pub fn request(&self, person: &Person, agent: &Agent) -> RequestBuilder {
        let request = self.request_without_body(person, agent);
        match &self.body {
            CallBody::None => request,
            CallBody::Json(body) => request.header("Content-Type", "application/json").body(body.clone()),
            CallBody::Upload(channel) => {
                let file = Part::bytes(b"GIF89a".to_vec()).file_name("a.gif").mime_str("image/gif").expect("a type");
                let form = Form::new().part("file", file);
                request.multipart(match channel {
                    Some(channel) => form.text("channelId", channel.clone()),
                    None => form,
                })
            }
        }
    }
}

fn fill(template: &str, id: &mut dyn FnMut(Placeholder) -> String) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match Placeholder::NAMES.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, kind)) => {
                text.push_str(&id(*kind));
                rest = &rest[name.len()..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

const fn agent(method: &'static str, path: &'static str, body: BodyTemplate) -> Route {
    Route { by: CallerKind::Agent, method, path, body }
}

const fn human(method: &'static str, path: &'static str, body: BodyTemplate) -> Route {
    Route { by: CallerKind::Human, method, path, body }
}

const NONE: BodyTemplate = BodyTemplate::None;
const INTO_CHANNEL: BodyTemplate = BodyTemplate::Upload(Some("{agent}"));
const EMPTY: BodyTemplate = BodyTemplate::Json("{}");
const MESSAGE: BodyTemplate = BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x"}"#);
const WITH_FILE: BodyTemplate = BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x","attachmentIds":["{free}"]}"#);
const WITH_CLIENT: BodyTemplate = BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x","clientId":"{client}"}"#);
const REVISION: BodyTemplate = BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x","iterationOf":"{decided}"}"#);
const SUCCESSOR: BodyTemplate = BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x","supersedes":"{pending}"}"#);
const STREAMED: BodyTemplate =
    BodyTemplate::Json(r#"{"channelId":"{agent}","text":"x","streamId":"{stream}","streamState":"streaming"}"#);
const PRESIGN: BodyTemplate =
    BodyTemplate::Json(r#"{"channelId":"{agent}","filename":"a.txt","mimeType":"text/plain","size":3}"#);
const FILES: BodyTemplate = BodyTemplate::Json(r#"{"ids":["{file}","{file}"]}"#);
const ANSWER: BodyTemplate = BodyTemplate::Json(r#"{"response":{"selectedOption":"approve"}}"#);
const ANSWER_WITH_FILE: BodyTemplate =
    BodyTemplate::Json(r#"{"response":{"selectedOption":"approve"},"modifiedFileIds":["{free}"]}"#);

/// The agent API.
pub const AGENT_API: &[Route] = &[
    agent("POST", "/api/v1/messages", MESSAGE),
    agent("POST", "/api/v1/messages", WITH_FILE),
    agent("POST", "/api/v1/messages", WITH_CLIENT),
    agent("POST", "/api/v1/messages", REVISION),
    agent("POST", "/api/v1/messages", SUCCESSOR),
    agent("POST", "/api/v1/messages", STREAMED),
    agent("PATCH", "/api/v1/messages/streams/{stream}", MESSAGE),
    agent("POST", "/api/v1/messages/streams/{stream}/status", MESSAGE),
    agent("GET", "/api/v1/messages?channel={agent}", NONE),
    agent("GET", "/api/v1/messages?channel={agent}&search=a&has_attachments=true", NONE),
    agent("GET", "/api/v1/messages/{message}?channel={agent}", NONE),
    agent("DELETE", "/api/v1/messages/{message}?channel={agent}", NONE),
    agent("POST", "/api/v1/messages/{message}/ack?channel={agent}", NONE),
    agent("GET", "/api/v1/messages/iterations/{message}?channel={agent}", NONE),
    agent("GET", "/api/v1/messages/{message}/history?channel={agent}", NONE),
    agent("GET", "/api/v1/reviews/pending?channel={agent}", NONE),
    agent("GET", "/api/v1/reviews/{message}?channel={agent}", NONE),
    agent("POST", "/api/v1/reviews/{pending}/cancel?channel={agent}", EMPTY),
    agent("POST", "/api/v1/reviews/{decided}/consume?channel={agent}", BodyTemplate::Json(r#"{"actionDigest":"x"}"#)),
    agent("GET", "/api/v1/reviews/wait?ids={message}&timeout=50", NONE),
    agent("GET", "/api/v1/reviews/{message}/wait?channel={agent}&timeout=50", NONE),
    agent("POST", "/api/v1/files/store", INTO_CHANNEL),
    agent("POST", "/api/v1/files/upload", INTO_CHANNEL),
    agent("POST", "/api/v1/files/store-text", BodyTemplate::Json(r#"{"channelId":"{agent}","content":"x"}"#)),
    agent("POST", "/api/v1/files/presign", PRESIGN),
    agent("GET", "/api/v1/files?channel={agent}", NONE),
    agent("GET", "/api/v1/files/{file}/download", NONE),
    agent("GET", "/api/v1/agents", NONE),
    agent("POST", "/api/v1/agents", BodyTemplate::Json(r#"{"name":"x"}"#)),
    agent(
        "POST",
        "/api/v1/agents/setWebhook",
        BodyTemplate::Json(r#"{"channelId":"{agent}","url":"https://1.1.1.1/hook"}"#),
    ),
    agent("POST", "/api/v1/agents/deleteWebhook", BodyTemplate::Json(r#"{"channelId":"{agent}"}"#)),
    agent("POST", "/api/v1/agents/setTag", BodyTemplate::Json(r#"{"channelId":"{agent}","tag":"x"}"#)),
    agent(
        "POST",
        "/api/v1/agents/setManagement",
        BodyTemplate::Json(r#"{"channelId":"{agent}","url":"https://manage.example/","apiKey":"x"}"#),
    ),
    agent("POST", "/api/v1/agents/setSubagent", BodyTemplate::Json(r#"{"channelId":"{agent}","isSubagent":false}"#)),
    agent(
        "POST",
        "/api/v1/agents/setSubagent",
        BodyTemplate::Json(r#"{"channelId":"{agent}","isSubagent":true,"parentChannelId":"{agent}"}"#),
    ),
    agent("PATCH", "/api/v1/agents/{agent}", BodyTemplate::Json(r#"{"name":"x","tag":"x"}"#)),
    agent(
        "PUT",
        "/api/v1/agents/{agent}/commands",
        BodyTemplate::Json(r#"{"commands":[{"command":"x","description":"x"}]}"#),
    ),
    agent("POST", "/api/v1/status/ping", BodyTemplate::Json(r#"{"agentId":"{agent}","status":"busy","message":"x"}"#)),
    agent("GET", "/api/v1/plugins", NONE),
    agent("GET", "/api/v1/plugins/form", NONE),
    agent(
        "POST",
        "/api/v1/hooks/claude-code?channel={agent}&timeout=50",
        BodyTemplate::Json(
            r#"{"hook_event_name":"PreToolUse","session_id":"{client}","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
        ),
    ),
    agent(
        "POST",
        "/api/v1/hooks/codex?channel={agent}&timeout=50",
        BodyTemplate::Json(
            r#"{"hook_event_name":"PermissionRequest","session_id":"{client}","tool_name":"Bash","tool_input":{"command":"ls"}}"#,
        ),
    ),
];

/// A subscription to push messages whose push service does not exist.
const SUBSCRIPTION: BodyTemplate = BodyTemplate::Json(
    r#"{"endpoint":"https://push.invalid/x","keys":{"p256dh":"BA8h6u2aAifEBl8uEcvuDVkUAFPX7aX9pHfn-eGu0Yt50tPeOiD8HNYGVCAh1CjP1YLCEU5B4kFX3UCECD2bRsA","auth":"6G1dWY193PW06R_1xGN5wg"}}"#,
);
/// The device of that subscription: the SHA-256 of its endpoint.
pub const PUSH_DEVICE: &str = "/api/push/devices/7ece1feac7cad982fc6ad423c22a946b10c1dbe8f5e442acc59d7333a69fe1cc";

/// The human API.
pub const HUMAN_API: &[Route] = &[
    human("GET", "/health", NONE),
    human("GET", "/.well-known/jwks.json", NONE),
    human("POST", "/api/auth/login", BodyTemplate::Json(r#"{"email":"nobody@people.example","password":"12345678"}"#)),
    human("GET", "/api/auth/me", NONE),
    human("GET", "/api/auth/sessions", NONE),
    human("DELETE", "/api/auth/sessions/{session}", NONE),
    human("POST", "/api/auth/ws-ticket", EMPTY),
    human("GET", "/api/users", NONE),
    human("POST", "/api/users", BodyTemplate::Json(r#"{"email":"x","displayName":"x"}"#)),
    human("PATCH", "/api/users/{user}", BodyTemplate::Json(r#"{"displayName":"x"}"#)),
    human("DELETE", "/api/users/{user}", NONE),
    human("GET", "/api/api-keys", NONE),
    human("POST", "/api/api-keys", EMPTY),
    human("POST", "/api/api-keys/{key}/rotate", EMPTY),
    human("DELETE", "/api/api-keys/{key}", NONE),
    human("GET", "/api/agents", NONE),
    human("POST", "/api/agents", BodyTemplate::Json(r#"{"name":"x"}"#)),
    human("GET", "/api/agents/{agent}", NONE),
    human("PATCH", "/api/agents/{agent}", BodyTemplate::Json(r#"{"name":"x","webhookUrl":null,"tag":"x"}"#)),
    human("POST", "/api/agents/{agent}/avatar", BodyTemplate::Upload(None)),
    human("GET", "/api/agents/{agent}/avatar", NONE),
    human("DELETE", "/api/agents/{agent}/avatar", NONE),
    human("POST", "/api/agents/{agent}/read", NONE),
    human("GET", "/api/agents/{agent}/stats", NONE),
    human("POST", "/api/agents/{agent}/webhook-test", NONE),
    human("GET", "/api/agents/{agent}/notifications", NONE),
    human("PATCH", "/api/agents/{agent}/notifications", BodyTemplate::Json(r#"{"muteForSeconds":60}"#)),
    human("GET", "/api/agents/stats", NONE),
    human("GET", "/api/messages?channel={agent}", NONE),
    human("GET", "/api/messages/{message}", NONE),
    human("GET", "/api/messages/{message}/iterations?channel={agent}", NONE),
    human("GET", "/api/messages/{message}/history", NONE),
    human("POST", "/api/messages", MESSAGE),
    human("POST", "/api/messages", WITH_FILE),
    human("POST", "/api/messages", WITH_CLIENT),
    human("GET", "/api/messages/reviews?status=all", NONE),
    human("GET", "/api/messages/reviews?status=all&channel={agent}", NONE),
    human("GET", "/api/messages/reviews/history?channel={agent}&search=a", NONE),
    human("GET", "/api/messages/reviews/history.csv?channel={agent}", NONE),
    human("POST", "/api/messages/{pending}/respond", ANSWER),
    human("POST", "/api/messages/{pending}/respond", ANSWER_WITH_FILE),
    human("POST", "/api/messages/{message}/retry", EMPTY),
    human("POST", "/api/messages/{pending}/viewing", EMPTY),
    human("GET", "/api/changes?since=0&timeout=50", NONE),
    human("GET", "/api/files", NONE),
    human("GET", "/api/files?agentId={agent}&type=image&search=a", NONE),
    human("POST", "/api/files/store", INTO_CHANNEL),
    human("POST", "/api/files/upload", INTO_CHANNEL),
    human("POST", "/api/files/presign", PRESIGN),
    human("GET", "/api/files/{file}/download", NONE),
    human("GET", "/api/files/{file}/share", NONE),
    human("POST", "/api/files/bulk-download", FILES),
    human("GET", "/api/share/nonsense", NONE),
    human("GET", "/api/plugins", NONE),
    human("GET", "/api/plugins/form", NONE),
    human("GET", "/api/plugins/form/config", NONE),
    human("PUT", "/api/plugins/form/config", EMPTY),
    human("GET", "/api/plugins/form/icon", NONE),
    human("GET", "/api/plugins/form/render", NONE),
    human("PATCH", "/api/plugins/form", BodyTemplate::Json(r#"{"env":{}}"#)),
    human("POST", "/api/plugins/form/fetch", BodyTemplate::Json(r#"{"url":"https://1.1.1.1/"}"#)),
    human("GET", "/api/preferences", NONE),
    human("PATCH", "/api/preferences", BodyTemplate::Json(r#"{"theme":"dark"}"#)),
    human("GET", "/api/push/vapid-key", NONE),
    human("POST", "/api/push/subscribe", SUBSCRIPTION),
    human("GET", "/api/push/devices", NONE),
    human("POST", "/api/push/test", EMPTY),
    human("PATCH", PUSH_DEVICE, BodyTemplate::Json(r#"{"name":"x"}"#)),
    human("DELETE", PUSH_DEVICE, NONE),
    human("DELETE", "/api/push/subscribe", SUBSCRIPTION),
    human(
        "PUT",
        "/api/notifications/webhook",
        BodyTemplate::Json(r#"{"url":"https://1.1.1.1/topic","format":"ntfy","headers":{"x-a":"b"}}"#),
    ),
    human("GET", "/api/notifications/webhook", NONE),
    human("POST", "/api/notifications/webhook/test", EMPTY),
    human("DELETE", "/api/notifications/webhook", NONE),
    human("POST", "/api/notifications/email/test", EMPTY),
    human("GET", "/api/logs?limit=5", NONE),
    human("GET", "/api/logs/nonsense", NONE),
    human("DELETE", "/api/files/{file}", NONE),
    // Alone: a second id of the caller's own would be deleted by the first call.
    human("POST", "/api/files/bulk-delete", BodyTemplate::Json(r#"{"ids":["{file}"]}"#)),
    human("DELETE", "/api/agents/{agent}", NONE),
    agent("DELETE", "/api/v1/agents/{agent}", NONE),
    human(
        "POST",
        "/api/auth/change-password",
        BodyTemplate::Json(r#"{"currentPassword":"a wrong one","newPassword":"a better one"}"#),
    ),
    human("POST", "/api/auth/refresh", EMPTY),
    human("POST", "/api/auth/logout", EMPTY),
];

/// All rows, with destructive calls last.
pub fn routes() -> Vec<Route> {
    let mut routes = [AGENT_API, HUMAN_API].concat();
    routes.sort_by_key(Route::is_destructive);
    routes
}
