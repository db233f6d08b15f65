//! The callers of the service: people with a browser's cookies, and agents with an API key.

use axum::extract::FromRequestParts;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use shared::caller::{AgentCaller, OwnerCaller};

use shared::{hex, random};

use crate::reply::Reply;

/// An e-mail address that no other test uses.
pub fn random_email() -> String {
    format!("{}@people.example", hex::encode(&random::bytes::<8>()))
}

/// A person with a browser's cookies.
#[derive(Clone)]
pub struct Person {
    url: String,
    http: Client,
    pub email: String,
    pub password: String,
}

impl Person {
    /// A person who is not signed in.
    pub fn signed_out(url: &str, email: &str, password: &str) -> Self {
        Self { url: url.to_owned(), http: browser(url), email: email.to_owned(), password: password.to_owned() }
    }

    /// The same person at another URL of the same service.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same browser with another address or password.
    pub fn with_credentials(&self, email: &str, password: &str) -> Self {
        Self { email: email.to_owned(), password: password.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::fetch(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::fetch(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::fetch(self.request(Method::DELETE, path)).await
    }

    /// Deletes an agent or a user, and repeats the call while the response says that data remains: how
    /// much one call deletes depends on the engine.
    pub async fn delete_fully(&self, path: &str) -> Reply {
        for _ in 0..30 {
            let reply = self.delete(path).await;
            if reply.status != 503 {
                return reply;
            }
            reply.expect_error(503, "still_removing");
        }
        panic!("{path} is still not deleted")
    }

    /// This owner as a caller of the store, with a new session.
    pub async fn owner_caller(&self) -> OwnerCaller {
        let signed_in = self.sign_in().await;
        let token = signed_in.session_token();
        let request = http::Request::builder().header("authorization", format!("Bearer {token}")).body(());
        let (mut parts, ()) = request.expect("a request").into_parts();
        OwnerCaller::from_request_parts(&mut parts, &()).await.expect("a session")
    }

    /// The id of this person's user.
    pub async fn user_id(&self) -> String {
        self.get("/api/auth/me").await.expect(200)["user"]["id"].as_str().expect("an id").to_owned()
    }

    /// Submits a form as the service's own pages do.
    pub async fn submit_form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        Reply::fetch(self.request(Method::POST, path).header("Origin", self.origin()).form(fields)).await
    }

    /// The origin of the service's own pages.
    pub fn origin(&self) -> String {
        url::Url::parse(&self.url).expect("a URL").origin().ascii_serialization()
    }

    pub async fn sign_in(&self) -> Reply {
        self.post("/api/auth/login", json!({ "email": self.email, "password": self.password })).await
    }

    /// Signs in with another browser as well; returns the id of that session.
    pub async fn sign_in_elsewhere(&self) -> String {
        Self::signed_out(&self.url, &self.email, &self.password).sign_in().await.expect(200);
        let sessions = self.get("/api/auth/sessions").await.expect(200);
        let newest = sessions.as_array().unwrap().iter().find(|it| it["current"] == false).expect("another session");
        newest["id"].as_str().unwrap().to_owned()
    }

    /// Answers a review.
    pub async fn answer(&self, message: &str, response: Value) -> Reply {
        self.post(&format!("/api/messages/{message}/respond"), json!({ "response": response })).await
    }

    /// Creates an agent of this person, with its own key and channel.
    pub async fn agent(&self) -> Agent {
        let channel = self.post("/api/agents", json!({ "name": "An agent" })).await.expect(201)["id"].clone();
        let key = self.post("/api/api-keys", json!({ "label": "A key" })).await.expect(201)["key"].clone();
        Agent::new(&self.url, key.as_str().unwrap(), channel.as_str().unwrap())
    }
}

/// A client with cookies. Like browsers, it resolves every name below `localhost` to this machine;
/// not every system's resolver does.
fn browser(url: &str) -> Client {
    let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none());
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let client = match host.filter(|host| host.ends_with(".localhost")) {
        Some(host) => client.resolve(&host, ([127, 0, 0, 1], 0).into()),
        None => client,
    };
    client.build().expect("a client")
}

/// A program with an API key.
#[derive(Clone)]
pub struct Agent {
    url: String,
    http: Client,
    pub key: String,
    pub channel: String,
}

impl Agent {
    pub fn new(url: &str, key: &str, channel: &str) -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { url: url.to_owned(), http, key: key.to_owned(), channel: channel.to_owned() }
    }

    /// This agent as a caller of the store.
    pub fn caller(&self) -> AgentCaller {
        AgentCaller::with_key(&self.key).expect("a key")
    }

    /// The same agent at another URL of the same service.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// A key that differs from this agent's in one character.
    pub fn forged_key(&self) -> String {
        let other = if self.key[10..].starts_with('x') { 'y' } else { 'x' };
        format!("{}{other}{}", &self.key[..10], &self.key[11..])
    }

    /// The same agent with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same key, with another channel.
    pub fn with_channel(&self, channel: &str) -> Self {
        Self { channel: channel.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::fetch(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::fetch(self.request(Method::POST, path).json(&body)).await
    }

    /// GETs a path of this agent's channel.
    pub async fn get_in_channel(&self, path: &str) -> Reply {
        let separator = if path.contains('?') { '&' } else { '?' };
        self.get(&format!("{path}{separator}channel={}", self.channel)).await
    }

    pub async fn delete_in_channel(&self, path: &str) -> Reply {
        Reply::fetch(self.request(Method::DELETE, &format!("{path}?channel={}", self.channel))).await
    }

    /// Sends a message to this agent's channel.
    pub async fn send(&self, mut message: Value) -> Reply {
        message["channelId"] = json!(self.channel);
        self.post("/api/v1/messages", message).await
    }

    /// Sends a message; returns its id.
    pub async fn create_message(&self, message: Value) -> String {
        self.send(message).await.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Asks for an approval; returns the message's id.
    pub async fn request_approval(&self) -> String {
        self.create_message(json!({ "text": "May I?", "review": { "type": "approval" } })).await
    }

    pub async fn cancel(&self, message: &str, body: Value) -> Reply {
        self.post(&format!("/api/v1/reviews/{message}/cancel?channel={}", self.channel), body).await
    }

    pub async fn wait(&self, message: &str, timeout_ms: u32) -> Reply {
        self.get_in_channel(&format!("/api/v1/reviews/{message}/wait?timeout={timeout_ms}")).await
    }

    pub async fn upload(&self, route: &str, name: &str, mime: &str, bytes: impl Into<Vec<u8>>) -> Reply {
        let part = reqwest::multipart::Part::bytes(bytes.into()).file_name(name.to_owned()).mime_str(mime).unwrap();
        let form = reqwest::multipart::Form::new().part("file", part).text("channelId", self.channel.clone());
        Reply::fetch(self.request(Method::POST, &format!("/api/v1/files/{route}")).multipart(form)).await
    }

    /// Stores a text file; returns its id.
    pub async fn store_file(&self) -> String {
        let file = self.upload("store", "note.txt", "text/plain", "a note").await.expect(201);
        file["id"].as_str().unwrap().to_owned()
    }
}
