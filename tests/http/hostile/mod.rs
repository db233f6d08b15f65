//! Malformed and hostile input against every route of the contract: every request gets a response,
//! its status is below 500, and every error has the service's error body.
//!
//! - `json`: JSON bodies, and values that must come back unchanged
//! - `requests`: paths, queries, headers, methods
//! - `uploads`: multipart bodies and file names

mod json;
mod requests;
mod uploads;

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_support::contract::{Call, Placeholder, Route};
use test_support::{Agent, Person, Reply, World, raw_http};

/// A request that takes longer counts as a hang.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(25);

/// A caller with valid credentials and ids for every route.
struct Caller {
    world: World,
    person: Person,
    agent: Agent,
    file: String,
    /// A message whose review is decided, so a wait returns at once.
    message: String,
    key: String,
    session: String,
    user: String,
}

impl Caller {
    async fn new() -> Self {
        let world = World::start().await;
        let person = world.person().await;
        let agent = person.agent().await;
        let message = agent.request_approval().await;
        person.answer(&message, json!({ "selectedOption": "approve" })).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = text(&person.post("/api/api-keys", json!({})).await.expect(201)["id"]);
        let user = person.user_id().await;
        // With a version above 0, a wait for changes returns at once, too.
        world.app.store.inbox().bump_version(user.parse().expect("an id")).await.expect("storage works");
        let session = person.sign_in_elsewhere().await;
        Self { file: agent.store_file().await, message, key, session, user, person, agent, world }
    }

    fn call(&self, route: &Route) -> Call {
        route.fill(|kind| self.id(kind).to_owned())
    }

    fn id(&self, kind: Placeholder) -> &str {
        match kind {
            Placeholder::Agent => &self.agent.channel,
            Placeholder::Message | Placeholder::Pending | Placeholder::Decided => &self.message,
            Placeholder::File | Placeholder::Free => &self.file,
            Placeholder::Key => &self.key,
            Placeholder::Session => &self.session,
            Placeholder::User => &self.user,
            Placeholder::Client => "a client id",
            Placeholder::Stream => "a-stream",
        }
    }

    /// Headers that authenticate on both sides of the API.
    async fn credentials(&self) -> [(&'static str, Vec<u8>); 2] {
        let signed_in = self.person.sign_in().await;
        let cookie = signed_in.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        [("x-api-key", self.agent.key.clone().into_bytes()), ("Cookie", cookie.into_bytes())]
    }
}

/// Sends the request and checks its response; no response is a failure.
async fn send_checked(request: RequestBuilder, what: &str) -> Reply {
    let reply = Reply::try_fetch(request.timeout(RESPONSE_TIMEOUT)).await;
    let reply = reply.unwrap_or_else(|| panic!("no answer to {what}"));
    check_response(&reply, what);
    reply
}

/// The same for a request of raw bytes.
async fn send_raw_checked(url: &str, request: &[u8], what: &str) -> Reply {
    let reply = tokio::time::timeout(RESPONSE_TIMEOUT, raw_http::send(url, request)).await;
    let reply = reply.ok().flatten().unwrap_or_else(|| panic!("no answer to {what}"));
    // The HTTP server refuses malformed HTTP and oversized heads itself, with an empty body.
    if !([400, 414, 431].contains(&reply.status) && reply.bytes.is_empty()) {
        check_response(&reply, what);
    }
    reply
}

/// Asserts a status below 500, or 501 of what this deployment does not do, and, for an error, the complete error body.
#[track_caller]
fn check_response(reply: &Reply, what: &str) {
    assert!(reply.status < 500 || reply.status == 501, "{what}: {} {}", reply.status, reply.text());
    assert!(!reply.header("x-request-id").is_empty(), "{what}: {:?}", reply.headers);
    if reply.status < 400 {
        return;
    }
    let body: Value = serde_json::from_slice(&reply.bytes).unwrap_or_else(|_| panic!("{what}: {}", reply.text()));
    assert_eq!(body["statusCode"], reply.status, "{what}: {body}");
    for part in ["code", "message", "path", "timestamp", "requestId"] {
        assert!(body[part].as_str().is_some_and(|text| !text.is_empty()), "{what}: {part} is missing: {body}");
    }
    assert_eq!(body["errors"].is_array(), reply.status == 400, "{what}: {body}");
    let message = body["message"].as_str().unwrap_or_default().to_lowercase();
    for inside in ["panick", "dynamo", "sqlite", ".rs:", "validationexception"] {
        assert!(!message.contains(inside), "{what}: {body}");
    }
}
