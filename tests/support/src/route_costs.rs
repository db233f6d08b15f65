//! Every route of the contract, ready to be called once more: whatever a call uses up is made
//! anew before it, so that each call of a route does the same work.

use reqwest::Method;
use serde_json::json;
use shared::models::Role;
use shared::secrets::{hex, random};

use crate::actors::{Agent, Person};
use crate::contract::{self, Call, Filled, Kind, Route};
use crate::reply::{Cost, Reply};
use crate::world::World;

/// Routes that are no work of ours: they call somebody else's host, or ask for a delivery that
/// failed.
const LEFT_OUT: [&str; 3] =
    ["/api/agents/{agent}/webhook-test", "/api/plugins/form/fetch", "/api/messages/{message}/retry"];

/// Routes that hold their caller: how often they look is chance.
const HOLDING: &str = "/api/changes";

/// One of the plugins that come with the service.
const PLUGIN: &str = "/status-card";

/// A person with one agent, whose channel has as much in it as a page shows.
pub struct Course<'a> {
    world: &'a World,
    person: Person,
    agent: Agent,
    message: String,
    decided: String,
    file: String,
}

/// One call with everything it needs, and who makes it.
pub struct Ready {
    person: Person,
    agent: Agent,
    call: Call,
}

impl Ready {
    pub async fn go(&self) -> Reply {
        let reply = Reply::of(self.call.request(&self.person, &self.agent)).await;
        assert!(reply.status < 400, "{} {}: {}", self.call.method, self.call.path, reply.text());
        reply
    }
}

/// The rows of the contract that are called here.
pub fn routes() -> Vec<Route> {
    let called = |route: &Route| !LEFT_OUT.contains(&route.path) && !route.path.starts_with(HOLDING);
    contract::routes().into_iter().filter(called).collect()
}

/// A row's name, which no other row has.
pub fn name(route: &Route) -> String {
    let plain = route.path.replace("&timeout=50", "").replace("{pending}", "{message}");
    let plain = plain.replace("/plugins/form", "/plugins/{plugin}").replace("nonsense", "{token}");
    let with = match route.body {
        contract::Body::Json(body) if body.contains("attachmentIds") || body.contains("modifiedFileIds") => ", a file",
        contract::Body::Json(body) if body.contains("clientId") => ", clientId",
        contract::Body::Json(body) if body.contains("iterationOf") => ", a new version",
        contract::Body::Json(body) if body.contains("streamState") => ", a draft",
        _ => "",
    };
    format!("{} {plain}{with}", route.method)
}

impl<'a> Course<'a> {
    pub async fn new(world: &'a World) -> Self {
        let person = world.person().await;
        let agent = person.agent().await;
        for _ in 0..10 {
            answered(&person, &agent).await;
            agent.asked().await;
            agent.sent(json!({ "text": "With a file.", "attachmentIds": [agent.stored().await] })).await;
        }
        for number in 0..60 {
            agent.sent(json!({ "text": format!("Message {number} of a channel that is in use.") })).await;
        }
        let path = format!("/api/agents/{}", agent.channel);
        person.request(Method::POST, &format!("{path}/avatar")).multipart(picture()).send().await.expect("an answer");
        let (message, decided) = (agent.sent(json!({ "text": "x" })).await, answered(&person, &agent).await);
        let file = agent.stored().await;
        Self { world, person, agent, message, decided, file }
    }

    /// A call of this route that was not made before.
    pub async fn ready(&self, route: &Route) -> Ready {
        let mut ready = Ready { person: self.person.clone(), agent: self.agent.clone(), call: self.call(route).await };
        match route.bare_path() {
            "/api/auth/login" => {
                let who = json!({ "email": self.person.email, "password": self.person.password });
                ready.call.body = Filled::Json(who.to_string());
            }
            // A session of its own, which it ends or changes.
            "/api/auth/logout" | "/api/auth/refresh" => ready.person = self.someone().await,
            "/api/auth/change-password" => {
                ready.person = self.someone().await;
                let change = json!({ "currentPassword": ready.person.password, "newPassword": "another long one" });
                ready.call.body = Filled::Json(change.to_string());
            }
            "/api/users" if route.method == "POST" => {
                let new = json!({ "email": address(), "displayName": "x", "password": "long enough" });
                ready.call.body = Filled::Json(new.to_string());
            }
            path if path.contains("/plugins/form") => ready.call.path = route.path.replace("/form", PLUGIN),
            "/api/share/nonsense" => {
                let share = self.person.get(&format!("/api/files/{}/share", self.file)).await.expect(200);
                let url = share["url"].as_str().expect("a URL");
                ready.call.path = url[url.find("/api/share/").expect("a link")..].to_owned();
            }
            _ => {}
        }
        ready
    }

    /// What a call of this route costs once it was called before.
    pub async fn cost(&self, route: &Route) -> Cost {
        self.ready(route).await.go().await;
        self.ready(route).await.go().await.cost()
    }

    async fn call(&self, route: &Route) -> Call {
        let mut ids = vec![];
        for kind in route.kinds() {
            ids.push(self.id(route, kind).await);
        }
        let mut ids = ids.into_iter();
        route.fill(|_| ids.next().expect("as many as there are"))
    }

    async fn id(&self, route: &Route, kind: Kind) -> String {
        // What the call takes away, or does once, is of its own.
        let once = route.is_destructive() || route.path.ends_with("/ack?channel={agent}");
        let agent = &self.agent;
        match kind {
            Kind::Agent if route.path.starts_with("/api/agents/") && once => self.pictured().await,
            Kind::Agent => agent.channel.clone(),
            // One with a review, and a wait for one that is pending would hold the caller.
            Kind::Message if route.path.contains("/reviews/") => self.decided.clone(),
            Kind::Message if once => agent.sent(json!({ "text": "x" })).await,
            Kind::Message => self.message.clone(),
            Kind::Pending => agent.asked().await,
            Kind::Decided => answered(&self.person, agent).await,
            // Two of them.
            Kind::File if once || route.path.ends_with("bulk-download") => agent.stored().await,
            Kind::File => self.file.clone(),
            Kind::Free => agent.stored().await,
            Kind::Key => text(&self.person.post("/api/api-keys", json!({})).await.expect(201)["id"]),
            Kind::User => {
                let new = json!({ "email": address(), "displayName": "y", "password": "long enough" });
                text(&self.person.post("/api/users", new).await.expect(201)["id"])
            }
            Kind::Client => hex(&random::<8>()),
            Kind::Stream => self.stream(route).await,
        }
    }

    /// A draft that is open, or the name of one to come.
    async fn stream(&self, route: &Route) -> String {
        let id = hex(&random::<8>());
        if route.path.contains("/streams/") {
            self.agent.sent(json!({ "text": "x", "streamId": id, "streamState": "streaming" })).await;
        }
        id
    }

    /// Another agent, with a picture.
    async fn pictured(&self) -> String {
        let channel = self.person.agent().await.channel;
        let path = format!("/api/agents/{channel}/avatar");
        self.person.request(Method::POST, &path).multipart(picture()).send().await.expect("an answer");
        channel
    }

    /// Somebody who signed in.
    async fn someone(&self) -> Person {
        let (email, password) = (address(), "long enough");
        self.world.account_as(&email, password, Role::Member).await;
        let person = Person::nobody(&self.world.url, &email, password);
        person.sign_in().await.expect(200);
        person
    }
}

async fn answered(person: &Person, agent: &Agent) -> String {
    let asked = agent.asked().await;
    person.answer(&asked, json!({ "selectedOption": "approve" })).await.expect(201);
    asked
}

fn picture() -> reqwest::multipart::Form {
    let part = reqwest::multipart::Part::bytes(b"GIF89a".to_vec()).file_name("a.gif").mime_str("image/gif");
    reqwest::multipart::Form::new().part("file", part.expect("a type"))
}

fn address() -> String {
    format!("{}@people.example", hex(&random::<8>()))
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}
