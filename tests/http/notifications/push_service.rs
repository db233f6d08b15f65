//! A push service on loopback, and browsers that are subscribed at it. Messages are decrypted, and tokens verified, by
//! stock libraries (`tests/clients/push_message.py`).

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use test_support::Person;
use tokio::sync::watch;

/// A browser with a subscription.
#[derive(Clone)]
pub struct Browser {
    pub endpoint: String,
    pub keys: Value,
}

impl Browser {
    /// What `PushSubscription.toJSON()` gives.
    pub fn subscription(&self) -> Value {
        let keys = json!({ "p256dh": self.keys["p256dh"], "auth": self.keys["auth"] });
        json!({ "endpoint": self.endpoint, "expirationTime": null, "keys": keys })
    }

    pub async fn subscribe(&self, person: &Person) {
        let reply = person.post("/api/push/subscribe", self.subscription()).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }
}

/// A message that the push service received.
#[derive(Clone)]
pub struct Pushed {
    /// The browser's number.
    pub to: usize,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Pushed {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// A response: the status, and seconds to retry after.
pub type Plan = (u16, Option<u64>);

#[derive(Default)]
struct Shared {
    pushed: Mutex<Vec<Pushed>>,
    plans: Mutex<VecDeque<Plan>>,
    count: watch::Sender<usize>,
}

pub struct PushService {
    pub url: String,
    pub browsers: Vec<Browser>,
    shared: Arc<Shared>,
}

impl PushService {
    /// Starts a service with this many browsers. It follows the plans in order, then accepts everything.
    pub async fn start(browsers: usize, plans: impl IntoIterator<Item = Plan>) -> Self {
        let shared = Arc::new(Shared { plans: Mutex::new(plans.into_iter().collect()), ..Shared::default() });
        let router = Router::new().route("/send/{browser}", post(receive)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let keys = tokio::task::spawn_blocking(move || library(&["keys", &browsers.to_string()], Value::Null));
        let keys = keys.await.unwrap().as_array().unwrap().clone();
        let endpoint = |number: usize| format!("{url}/send/{number}?secret=in-the-query");
        let browsers =
            keys.into_iter().enumerate().map(|(at, keys)| Browser { endpoint: endpoint(at), keys }).collect();
        Self { url, browsers, shared }
    }

    /// All messages received so far.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.shared.pushed.lock().unwrap().clone()
    }

    /// Waits until `count` messages have been received; returns all of them.
    pub async fn wait_for(&self, count: usize) -> Vec<Pushed> {
        let mut received = self.shared.count.subscribe();
        let enough = received.wait_for(|received| *received >= count);
        tokio::time::timeout(Duration::from_secs(40), enough).await.expect("the messages arrive").unwrap();
        self.pushed()
    }

    /// What messages say, with the claims of their tokens, as their browsers and push services read them.
    pub async fn read(&self, messages: &[Pushed]) -> Vec<Value> {
        let given = messages.iter().map(|it| {
            let keys = &self.browsers[it.to].keys;
            let body = URL_SAFE_NO_PAD.encode(&it.body);
            json!({ "private": keys["private"], "auth": keys["auth"], "body": body,
                "authorization": it.header("authorization") })
        });
        let given: Value = given.collect();
        let read = tokio::task::spawn_blocking(move || library(&["read"], given));
        read.await.unwrap().as_array().unwrap().clone()
    }

    /// The payloads of messages.
    pub async fn payloads(&self, messages: &[Pushed]) -> Vec<Value> {
        self.read(messages).await.into_iter().map(|mut read| read["payload"].take()).collect()
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    UrlPath(to): UrlPath<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let (status, retry_after) = shared.plans.lock().unwrap().pop_front().unwrap_or((201, None));
    shared.pushed.lock().unwrap().push(Pushed { to, headers, body });
    shared.count.send_modify(|count| *count += 1);
    let retry_after = retry_after.map(|seconds| (http::header::RETRY_AFTER, seconds.into()));
    (StatusCode::from_u16(status).unwrap(), retry_after.into_iter().collect())
}

fn library(arguments: &[&str], given: Value) -> Value {
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/push_message.py");
    let mut command = Command::new(python);
    command.arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python");
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
