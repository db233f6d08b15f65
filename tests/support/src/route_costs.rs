//! Repeatable calls of every route of the contract. Whatever a call consumes is created before it, so
//! that each call of a route does the same work.

use reqwest::Method;
use serde_json::json;
use shared::models::Role;
use shared::{hex, random};

use crate::actors::{Agent, Person, random_email};
use crate::contract::{self, Call, CallBody, Placeholder, Route};
use crate::reply::{Cost, Reply};
use crate::world::World;

/// Routes that are not measured: they call another host, need a failed delivery, or are held until a person answers.
const EXCLUDED_ROUTES: [&str; 8] = [
    "/api/agents/{agent}/webhook-test",
    "/api/push/test",
    "/api/notifications/webhook/test",
    "/api/notifications/email/test",
    "/api/plugins/form/fetch",
    "/api/messages/{message}/retry",
    "/api/v1/hooks/claude-code?channel={agent}&timeout=50",
    "/api/v1/hooks/codex?channel={agent}&timeout=50",
];

/// The routes of long polls, whose number of reads is random.
const LONG_POLL_PATH: &str = "/api/changes";

/// A bundled plugin.
const PLUGIN: &str = "/status-card";

/// A person with one agent, whose channel fills the pages of lists.
pub struct RouteCosts<'a> {
    world: &'a World,
    person: Person,
    agent: Agent,
    message: String,
    decided: String,
    file: String,
}

/// A call with all its data, and its callers.
pub struct PreparedCall {
    person: Person,
    agent: Agent,
    call: Call,
}

impl PreparedCall {
    pub async fn send(&self) -> Reply {
        let reply = Reply::fetch(self.call.request(&self.person, &self.agent)).await;
        assert!(reply.status < 400, "{} {}: {}", self.call.method, self.call.path, reply.text());
        reply
    }
}

/// The routes that are measured.
pub fn routes() -> Vec<Route> {
    let is_measured = |route: &Route| !EXCLUDED_ROUTES.contains(&route.path) && !route.path.starts_with(LONG_POLL_PATH);
    contract::routes().into_iter().filter(is_measured).collect()
}

/// The unique name of a route.
pub fn name(route: &Route) -> String {
    let plain = route.path.replace("&timeout=50", "").replace("{pending}", "{message}");
    let plain = plain.replace("/plugins/form", "/plugins/{plugin}").replace("nonsense", "{token}");
    let plain = plain.replace(contract::PUSH_DEVICE, "/api/push/devices/{device}");
    let with = match route.body {
        contract::BodyTemplate::Json(body) if body.contains("attachmentIds") || body.contains("modifiedFileIds") => {
            ", a file"
        }
        contract::BodyTemplate::Json(body) if body.contains("clientId") => ", clientId",
        contract::BodyTemplate::Json(body) if body.contains("iterationOf") => ", a new version",
        contract::BodyTemplate::Json(body) if body.contains("supersedes") => ", a successor",
        contract::BodyTemplate::Json(body) if body.contains("streamState") => ", a draft",
        contract::BodyTemplate::Json(body) if body.contains("parentChannelId") => ", a parent",
        _ => "",
    };
    format!("{} {plain}{with}", route.method)
}

impl<'a> RouteCosts<'a> {
    pub async fn new(world: &'a World) -> Self {
        let person = world.person().await;
        let agent = person.agent().await;
        for _ in 0..10 {
            answered_review(&person, &agent).await;
            agent.request_approval().await;
            agent.create_message(json!({ "text": "With a file.", "attachmentIds": [agent.store_file().await] })).await;
        }
        for number in 0..60 {
            agent.create_message(json!({ "text": format!("Message {number} of a channel that is in use.") })).await;
        }
        let path = format!("/api/agents/{}", agent.channel);
        person
            .request(Method::POST, &format!("{path}/avatar"))
            .multipart(avatar_form())
            .send()
            .await
            .expect("an answer");
        let (message, decided) =
            (agent.create_message(json!({ "text": "x" })).await, answered_review(&person, &agent).await);
        let file = agent.store_file().await;
        Self { world, person, agent, message, decided, file }
    }

    /// Prepares a call of this route that has not been made before.
    pub async fn prepare(&self, route: &Route) -> PreparedCall {
        let mut prepared =
            PreparedCall { person: self.person.clone(), agent: self.agent.clone(), call: self.call(route).await };
        match route.path_without_query() {
            "/api/auth/login" => {
                let who = json!({ "email": self.person.email, "password": self.person.password });
                prepared.call.body = CallBody::Json(who.to_string());
            }
            // These calls end or change their session, so each has its own.
            "/api/auth/logout" | "/api/auth/refresh" => prepared.person = self.signed_in_member().await,
            "/api/auth/change-password" => {
                prepared.person = self.signed_in_member().await;
                let change = json!({ "currentPassword": prepared.person.password, "newPassword": "another long one" });
                prepared.call.body = CallBody::Json(change.to_string());
            }
            "/api/users" if route.method == "POST" => {
                let new = json!({ "email": random_email(), "displayName": "x", "password": "long enough" });
                prepared.call.body = CallBody::Json(new.to_string());
            }
            "/api/v1/reviews/{decided}/consume" => {
                let (id, digest) = approved_act(&self.person, &self.agent).await;
                prepared.call.path = format!("/api/v1/reviews/{id}/consume?channel={}", self.agent.channel);
                prepared.call.body = CallBody::Json(json!({ "actionDigest": digest }).to_string());
            }
            "/api/v1/agents/setSubagent" if route.kinds().len() == 2 => {
                let child = self.agent_with_avatar().await;
                let set = json!({ "channelId": child, "isSubagent": true, "parentChannelId": self.agent.channel });
                prepared.call.body = CallBody::Json(set.to_string());
            }
            "/api/logs/nonsense" => {
                let page = self.person.get("/api/logs?limit=1").await.expect(200);
                prepared.call.path = format!("/api/logs/{}", text(&page["data"][0]["id"]));
            }
            path if path.starts_with("/api/push/devices/")
                || (path, route.method) == ("/api/push/subscribe", "DELETE") =>
            {
                let subscription =
                    contract::routes().into_iter().find(|it| (it.path, it.method) == ("/api/push/subscribe", "POST"));
                let call = subscription.expect("a row").fill(|_| String::new());
                Reply::fetch(call.request(&self.person, &self.agent)).await;
            }
            "/api/notifications/webhook" if route.method != "PUT" => {
                let set = contract::routes().into_iter().find(|it| (it.path, it.method) == (route.path, "PUT"));
                let call = set.expect("a row").fill(|_| String::new());
                Reply::fetch(call.request(&self.person, &self.agent)).await;
            }
            path if path.contains("/plugins/form") => prepared.call.path = route.path.replace("/form", PLUGIN),
            "/api/share/nonsense" => {
                let share = self.person.get(&format!("/api/files/{}/share", self.file)).await.expect(200);
                let url = share["url"].as_str().expect("a URL");
                prepared.call.path = url[url.find("/api/share/").expect("a link")..].to_owned();
            }
            _ => {}
        }
        prepared
    }

    /// The cost of a call of this route when the service is warm.
    pub async fn cost(&self, route: &Route) -> Cost {
        self.prepare(route).await.send().await;
        self.prepare(route).await.send().await.cost()
    }

    async fn call(&self, route: &Route) -> Call {
        let mut ids = vec![];
        for kind in route.kinds() {
            ids.push(self.id(route, kind).await);
        }
        let mut ids = ids.into_iter();
        route.fill(|_| ids.next().expect("an id for each placeholder"))
    }

    async fn id(&self, route: &Route, kind: Placeholder) -> String {
        // Calls that delete something, or can be made only once, have their own data.
        let single_use = route.is_destructive() || route.path.ends_with("/ack?channel={agent}");
        let agent = &self.agent;
        match kind {
            Placeholder::Agent if route.path.contains("/agents/{agent}") && single_use => {
                self.agent_with_avatar().await
            }
            Placeholder::Agent => agent.channel.clone(),
            // These routes need a review, and a wait for a pending one would be held.
            Placeholder::Message if route.path.contains("/reviews/") => self.decided.clone(),
            Placeholder::Message if single_use => agent.create_message(json!({ "text": "x" })).await,
            Placeholder::Message => self.message.clone(),
            Placeholder::Pending => agent.request_approval().await,
            Placeholder::Decided => answered_review(&self.person, agent).await,
            // The route takes two files.
            Placeholder::File if single_use || route.path.ends_with("bulk-download") => agent.store_file().await,
            Placeholder::File => self.file.clone(),
            Placeholder::Free => agent.store_file().await,
            Placeholder::Key => text(&self.person.post("/api/api-keys", json!({})).await.expect(201)["id"]),
            Placeholder::Session => self.person.sign_in_elsewhere().await,
            Placeholder::User => {
                let new = json!({ "email": random_email(), "displayName": "y", "password": "long enough" });
                text(&self.person.post("/api/users", new).await.expect(201)["id"])
            }
            Placeholder::Client => hex::encode(&random::bytes::<8>()),
            Placeholder::Stream => self.stream(route).await,
        }
    }

    /// The id of an open stream, or of one that the call will start.
    async fn stream(&self, route: &Route) -> String {
        let id = hex::encode(&random::bytes::<8>());
        if route.path.contains("/streams/") {
            self.agent.create_message(json!({ "text": "x", "streamId": id, "streamState": "streaming" })).await;
        }
        id
    }

    /// Creates another agent, with an avatar.
    async fn agent_with_avatar(&self) -> String {
        let channel = self.person.agent().await.channel;
        let path = format!("/api/agents/{channel}/avatar");
        self.person.request(Method::POST, &path).multipart(avatar_form()).send().await.expect("an answer");
        channel
    }

    /// Creates a member and signs them in.
    async fn signed_in_member(&self) -> Person {
        let (email, password) = (random_email(), "long enough");
        self.world.create_account_as(&email, password, Role::Member).await;
        let person = Person::signed_out(&self.world.url, &email, password);
        person.sign_in().await.expect(200);
        person
    }
}

/// Has an act approved; returns the message's id and the act's digest.
async fn approved_act(person: &Person, agent: &Agent) -> (String, String) {
    let action = json!({ "name": "x", "args": {} });
    let review = agent.create_message(json!({ "review": { "type": "approval", "action": action } })).await;
    let decided = person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    (review, text(&decided["review"]["decision"]["actionDigest"]))
}

async fn answered_review(person: &Person, agent: &Agent) -> String {
    let review = agent.request_approval().await;
    person.answer(&review, json!({ "selectedOption": "approve" })).await.expect(201);
    review
}

fn avatar_form() -> reqwest::multipart::Form {
    let part = reqwest::multipart::Part::bytes(b"GIF89a".to_vec()).file_name("a.gif").mime_str("image/gif");
    reqwest::multipart::Form::new().part("file", part.expect("a type"))
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}
