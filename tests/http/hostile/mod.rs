//! Input that means no good, against every route of the contract: whatever comes, the answer is
//! one, it is below 500, and an error is our error.
//!
//! - `json`: bodies, fields and what is given back as it came
//! - `requests`: paths, queries, headers, methods
//! - `uploads`: multipart bodies and names of files

mod json;
mod requests;
mod uploads;

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_support::contract::{Call, Placeholder, Route};
use test_support::{Agent, Person, Reply, World, raw_http};

/// Longer than any answer here takes: a hang, then.
const HANG: Duration = Duration::from_secs(25);

/// Somebody whose calls would all be answered well, were they not what they are.
struct Caller {
    world: World,
    person: Person,
    agent: Agent,
    file: String,
    /// Of a message whose review is decided: nothing waits for it.
    message: String,
    key: String,
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
        let user = text(&person.get("/api/auth/me").await.expect(200)["user"]["id"]);
        // Nor does anything wait for a change: there has been one.
        world.app.store.note_change(user.parse().expect("an id")).await.expect("storage works");
        Self { file: agent.store_file().await, message, key, user, person, agent, world }
    }

    fn call(&self, route: &Route) -> Call {
        route.fill(|kind| self.name(kind).to_owned())
    }

    fn name(&self, kind: Placeholder) -> &str {
        match kind {
            Placeholder::Agent => &self.agent.channel,
            Placeholder::Message | Placeholder::Pending | Placeholder::Decided => &self.message,
            Placeholder::File | Placeholder::Free => &self.file,
            Placeholder::Key => &self.key,
            Placeholder::User => &self.user,
            Placeholder::Client => "a client id",
            Placeholder::Stream => "a-stream",
        }
    }

    /// The headers that say who calls, on whichever side of the API.
    async fn credentials(&self) -> [(&'static str, Vec<u8>); 2] {
        let signed_in = self.person.sign_in().await;
        let cookie = signed_in.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        [("x-api-key", self.agent.key.clone().into_bytes()), ("Cookie", cookie.into_bytes())]
    }
}

/// The answer; none, or one that does not come, is a failure.
async fn answered(request: RequestBuilder, what: &str) -> Reply {
    let reply = Reply::try_fetch(request.timeout(HANG)).await;
    let reply = reply.unwrap_or_else(|| panic!("no answer to {what}"));
    proper(&reply, what);
    reply
}

/// The same for a request that is written by hand.
async fn answered_raw(url: &str, request: &[u8], what: &str) -> Reply {
    let reply = tokio::time::timeout(HANG, raw_http::send(url, request)).await;
    let reply = reply.ok().flatten().unwrap_or_else(|| panic!("no answer to {what}"));
    // What is no HTTP at all, or too much of it, is refused before any of our code: a bare status.
    if !([400, 414, 431].contains(&reply.status) && reply.bytes.is_empty()) {
        proper(&reply, what);
    }
    reply
}

/// Below 500; and an error is ours, every part of it.
#[track_caller]
fn proper(reply: &Reply, what: &str) {
    assert!(reply.status < 500, "{what}: {} {}", reply.status, reply.text());
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
    let said = body["message"].as_str().unwrap_or_default().to_lowercase();
    for inside in ["panick", "dynamo", "sqlite", ".rs:", "validationexception"] {
        assert!(!said.contains(inside), "{what}: {body}");
    }
}
