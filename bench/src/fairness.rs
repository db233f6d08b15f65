//! How the load of one caller delays another: the latency of a tenant's approvals and webhooks while
//! an attacker loads the local runner in one of five ways.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{hex, random};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use test_support::Reply;
use test_support::Runner;
use test_support::{Agent, Person};

use crate::process;

/// The pause of a sender of large bodies between two of them: 24 senders send about a gigabyte a second.
const BODY_PAUSE: Duration = Duration::from_millis(100);

/// The amount of each load.
#[derive(Clone, Copy, Debug)]
pub struct LoadSize {
    pub waits: usize,
    pub deliveries: usize,
    pub bodies: usize,
    pub half_sent: usize,
    pub sign_ins: usize,
    /// Approvals measured under each load.
    pub samples: usize,
}

impl LoadSize {
    pub const FULL: Self =
        Self { waits: 2_000, deliveries: 600, bodies: 24, half_sent: 1_100, sign_ins: 200, samples: 200 };
    pub const TENTH: Self = Self { waits: 200, deliveries: 120, bodies: 3, half_sent: 110, sign_ins: 20, samples: 20 };
}

/// Latencies and memory under one load.
#[derive(Clone, Debug)]
pub struct LoadMeasurement {
    pub load: &'static str,
    /// Latency of an approval: create and answer.
    pub p50: Duration,
    pub p99: Duration,
    /// p99 of loading the tenant's inbox page.
    pub page_p99: Duration,
    /// The longest time from an answer to its webhook.
    pub webhook: Duration,
    /// The runner's resident memory, in MiB.
    pub memory: u64,
}

/// What an attacker loads the runner with.
pub const LOADS: [&str; 5] = ["waits", "deliveries", "bodies", "half-sent", "sign-ins"];

/// Measures without load first, then under each of these loads.
pub async fn measure(runner: &Runner, size: LoadSize, loads: &[&'static str]) -> Vec<LoadMeasurement> {
    let receiver = Receiver::start().await;
    let tenant = Tenant::new(runner, &receiver).await;
    let attacker = Tenant::new(runner, &receiver).await;
    tenant.measure_approvals("warm", runner, &receiver, size.samples / 2).await;
    let mut measured = vec![tenant.measure_approvals("quiet", runner, &receiver, size.samples).await];
    for load in loads {
        let running = match *load {
            "waits" => hold_waits(&attacker, size.waits).await,
            "deliveries" => queue_slow_deliveries(&attacker, &receiver, size.deliveries).await,
            "bodies" => send_large_bodies(runner.text("url"), size.bodies),
            "half-sent" => send_half_requests(runner.text("url"), size.half_sent).await,
            _ => spawn_failed_sign_ins(runner.text("url"), size.sign_ins),
        };
        measured.push(tenant.measure_approvals(load, runner, &receiver, size.samples).await);
        drop(running);
    }
    measured
}

/// A person with an agent whose events go to the receiver.
struct Tenant {
    person: Person,
    /// The same person in a browser.
    browser: Person,
    agent: Agent,
}

impl Tenant {
    async fn new(runner: &Runner, receiver: &Receiver) -> Self {
        let (email, password) =
            (format!("{}@people.example", hex::encode(&random::bytes::<8>())), hex::encode(&random::bytes::<8>()));
        let new = json!({ "email": email, "displayName": "A tenant", "password": password });
        runner.person().await.post("/api/users", new).await.expect(201);
        let person = Person::signed_out(runner.text("url"), &email, &password);
        person.sign_in().await.expect(200);
        // Pages ask for a password of one's own first.
        let own = hex::encode(&random::bytes::<8>());
        let change = json!({ "currentPassword": password, "newPassword": own });
        person.post("/api/auth/change-password", change).await.expect(200);
        let person = person.with_credentials(&email, &own);
        person.sign_in().await.expect(200);
        let agent = person.agent().await;
        let browser = runner.browser_of(&email, &own).await;
        let tenant = Self { person, browser, agent };
        tenant.set_webhook(&receiver.url("quick")).await;
        tenant
    }

    async fn set_webhook(&self, url: &str) {
        let webhook = json!({ "channelId": self.agent.channel, "url": url });
        self.agent.post("/api/v1/agents/setWebhook", webhook).await.expect(200);
    }

    async fn complete_approval(&self) -> String {
        let id = self.agent.request_approval().await;
        self.person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
        id
    }

    async fn measure_approvals(
        &self,
        load: &'static str,
        runner: &Runner,
        receiver: &Receiver,
        samples: usize,
    ) -> LoadMeasurement {
        let (mut took, mut pages, mut answered) = (vec![], vec![], vec![]);
        for _ in 0..samples {
            let began = Instant::now();
            let id = self.complete_approval().await;
            took.push(began.elapsed());
            answered.push((id, Instant::now()));
            let began = Instant::now();
            self.browser.get("/").await.expect(200);
            pages.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut webhook = Duration::ZERO;
        for (id, at) in answered {
            webhook = webhook.max(receiver.wait_for(&id).await.saturating_duration_since(at));
        }
        took.sort();
        pages.sort();
        let (p50, p99, page_p99) = (took[samples / 2], took[samples * 99 / 100], pages[samples * 99 / 100]);
        let memory = memory(runner.child.id().expect("the runner is running"));
        LoadMeasurement { load, p50, p99, page_p99, webhook, memory }
    }
}

/// The resident memory of a process, in MiB.
pub fn memory(pid: u32) -> u64 {
    process::memory(pid, "VmRSS") / 1024
}

/// Holds `count` waits on as many reviews, with one key.
async fn hold_waits(attacker: &Tenant, count: usize) -> JoinSet<()> {
    let agent = &attacker.agent;
    let reviews =
        stream::iter(0..count).map(|_| agent.request_approval()).buffer_unordered(8).collect::<Vec<_>>().await;
    let mut running = JoinSet::new();
    for id in reviews {
        let agent = agent.clone();
        running.spawn(async move {
            loop {
                let path = format!("/api/v1/reviews/{id}/wait?channel={}", agent.channel);
                let _ = Reply::try_fetch(agent.request(Method::GET, &path)).await;
            }
        });
    }
    running
}

/// Queues `count` deliveries to a slow receiver.
async fn queue_slow_deliveries(attacker: &Tenant, receiver: &Receiver, count: usize) -> JoinSet<()> {
    attacker.set_webhook(&receiver.url("slow")).await;
    stream::iter(0..count).map(|_| attacker.complete_approval()).buffer_unordered(8).collect::<Vec<_>>().await;
    JoinSet::new()
}

/// Sends `count` large bodies at once, repeatedly: sign-ins, and calls with an unknown key.
fn send_large_bodies(url: &str, count: usize) -> JoinSet<()> {
    let body = expanding_json(4_400_000);
    let mut running = JoinSet::new();
    for number in 0..count {
        let (body, client) = (body.clone(), reqwest::Client::new());
        let path = if number % 2 == 0 { "/api/auth/login" } else { "/api/v1/messages" };
        let (url, key) = (format!("{url}{path}"), format!("hp_{}{}", "a".repeat(43), "0".repeat(26)));
        running.spawn(async move {
            loop {
                let request = client.post(&url).bearer_auth(&key).header("Content-Type", "application/json");
                let _ = request.body(body.clone()).send().await;
                // A body is refused at once. Without a pause, the senders alone would occupy the processor.
                tokio::time::sleep(BODY_PAUSE).await;
            }
        });
    }
    running
}

/// JSON that would take a hundred times its size in memory as a tree.
pub fn expanding_json(size: usize) -> axum::body::Bytes {
    let (objects, end) = ("{\"\":0},".repeat(size / 7), "0]}");
    format!("{{\"email\":[{objects}{end}").into()
}

/// Opens `count` connections that begin a request and never finish it.
async fn send_half_requests(url: &str, count: usize) -> JoinSet<()> {
    let address = url.strip_prefix("http://").expect("a plain URL").to_owned();
    let mut running = JoinSet::new();
    for _ in 0..count {
        let address = address.clone();
        running.spawn(async move {
            loop {
                let Ok(mut stream) = TcpStream::connect(&address).await else { continue };
                let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Half").await;
                let _ = stream.read(&mut [0]).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    running
}

/// Signs in with unknown addresses, `count` at a time.
fn spawn_failed_sign_ins(url: &str, count: usize) -> JoinSet<()> {
    let mut running = JoinSet::new();
    for _ in 0..count {
        let url = url.to_owned();
        running.spawn(async move {
            loop {
                let email = format!("{}@nowhere.example", hex::encode(&random::bytes::<8>()));
                let sign_in = Person::signed_out(&url, &email, "a password").request(Method::POST, "/api/auth/login");
                let _ = Reply::try_fetch(sign_in.json(&json!({ "email": email, "password": "a password" }))).await;
            }
        });
    }
    running
}

/// The time of a sign-in, with browsers that have signed in before, while `others` sign in with unknown addresses.
pub async fn sign_in_among(runner: &Runner, others: usize) -> Duration {
    let known = join_all((0..3).map(|_| runner.person())).await;
    let running = spawn_failed_sign_ins(runner.text("url"), others);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    for signed_in in join_all(known.iter().map(Person::sign_in)).await {
        signed_in.expect(200);
    }
    let took = began.elapsed();
    drop(running);
    took
}

/// The webhooks' receiver: `/quick` records the arrival of each message, `/slow` responds after 9.5 s.
struct Receiver {
    url: String,
    arrivals: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Receiver {
    async fn start() -> Self {
        let arrivals = Arc::new(Mutex::new(HashMap::new()));
        let recorded = arrivals.clone();
        let quick = async move |Json(event): Json<Value>| {
            let id = event["message_id"].as_str().unwrap_or_default().to_owned();
            recorded.lock().unwrap().entry(id).or_insert_with(Instant::now);
        };
        let slow = async || tokio::time::sleep(Duration::from_millis(9_500)).await;
        let routes = Router::new().route("/quick", post(quick)).route("/slow", post(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, arrivals }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// Waits for the event of a message; returns its arrival.
    async fn wait_for(&self, id: &str) -> Instant {
        const RECEIVE_TIMEOUT: Duration = Duration::from_secs(120);
        let until = Instant::now() + RECEIVE_TIMEOUT;
        while Instant::now() < until {
            if let Some(at) = self.arrivals.lock().unwrap().get(id) {
                return *at;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the webhook of {id} did not arrive")
    }
}
