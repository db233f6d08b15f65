//! The functions as they are deployed, and the local runner: sizes, starts, memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use placet_bench::figures::{self, Figures, Function, Memory};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Runner, World};

use crate::machine;
use crate::runtime_api::RuntimeApi;

const BARE: &str = "hello";
const ROUNDS: usize = 30;
/// A start or an answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn measure(figures: &mut Figures) {
    let dir = TempDir::new().expect("a directory");
    let zips = unpacked(dir.path());
    let world = World::embedded().await;
    let mut starts: BTreeMap<&str, (Vec<f64>, f64)> = BTreeMap::new();
    // Round by round, so that whatever else the machine does meets all alike; the first warms up.
    for round in 0..=ROUNDS {
        for (name, _) in &zips {
            let (started, took) = Started::new(&dir.path().join(name).join("bootstrap"), &world).await;
            let (times, rest) = starts.entry(name).or_default();
            if round > 0 {
                times.push(took);
            }
            *rest = started.memory("VmRSS");
        }
    }
    let median = |name: &str| figures::Spread::of(starts[name].0.clone()).p50;
    let bare = median(BARE);
    let row = |(name, zip_bytes): &(String, u64)| Function {
        name: name.clone(),
        zip_bytes: *zip_bytes,
        start_ms: median(name),
        start_ratio: median(name) / bare,
        rest_mb: starts[name.as_str()].1,
    };
    figures.functions = zips.iter().map(row).collect();
    for it in &figures.functions {
        println!(
            "{:<12}{:>7.2} MB {:>7.1} ms {:>6.2}x {:>6.1} MB",
            it.name,
            it.zip_bytes as f64 / 1e6,
            it.start_ms,
            it.start_ratio,
            it.rest_mb
        );
    }
    figures.memory = vec![upload(dir.path(), &world).await, page(dir.path(), &world).await];
    figures.runner = Some(runner().await);
}

/// What `make build` made, each in a directory of its own; names and sizes of the zips.
fn unpacked(into: &Path) -> Vec<(String, u64)> {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let mut zips = vec![];
    for entry in std::fs::read_dir(Path::new(&target).join("lambda")).expect("functions: run `make build`") {
        let zip: PathBuf = entry.expect("a directory").path().join("bootstrap.zip");
        let Ok(about) = zip.metadata() else { continue };
        let name = zip.parent().and_then(Path::file_name).expect("a name").to_string_lossy().into_owned();
        let to = into.join(&name);
        let done = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&zip).arg(&to).status();
        assert!(done.expect("python3").success());
        let executable = Command::new("chmod").arg("755").arg(to.join("bootstrap")).status();
        assert!(executable.expect("chmod").success());
        zips.push((name, about.len()));
    }
    assert!(zips.iter().any(|(name, _)| name == BARE) && zips.len() > 1, "run `make build`");
    // The bare one first, beside which the others are.
    zips.sort_by_key(|(name, _)| (name != BARE, name.clone()));
    zips
}

/// A function's process that asked for work.
struct Started {
    process: Child,
    runtime: RuntimeApi,
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Started {
    /// With the milliseconds from its process's start to its first question.
    async fn new(bootstrap: &Path, world: &World) -> (Self, f64) {
        let mut runtime = RuntimeApi::start().await;
        let mut command = Command::new(bootstrap);
        let endpoints = world.endpoints_over_tcp().await;
        command.env_clear().stdout(Stdio::null()).envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "function"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &endpoints.access_key),
            ("AWS_SECRET_ACCESS_KEY", &endpoints.secret_key),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
            ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
            ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
            ("PLACET_TABLE", &world.table),
            ("PLACET_BUCKET", world.bucket()),
            ("PLACET_QUEUE", "http://127.0.0.1/queue"),
            ("PLACET_SECRET", "a secret of at least 32 characters"),
            ("PLACET_MAX_WAIT_MS", "28500"),
        ]);
        let began = Instant::now();
        let process = command.spawn().expect("the function's process starts");
        let asked = tokio::time::timeout(PATIENCE, runtime.asked.recv()).await;
        let asked = asked.expect("it asks for work").expect("the runtime API is there");
        (Self { process, runtime }, (asked - began).as_secs_f64() * 1000.0)
    }

    fn memory(&self, which: &str) -> f64 {
        machine::memory(self.process.id(), which)
    }

    /// Calls it as the HTTP API does.
    async fn call(&mut self, method: &str, path: &str, agent: &Agent, body: Option<(&str, &[u8])>) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let kind = body.map_or("application/json", |(kind, _)| kind);
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "authorization": format!("Bearer {}", agent.key), "content-type": kind, "host": "it.example" },
            "requestContext": {
                "accountId": "123456789012", "apiId": "it", "domainName": "it.example", "domainPrefix": "it",
                "requestId": "it", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1767225600000u64,
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "it" },
            },
            "body": body.map(|(_, bytes)| STANDARD.encode(bytes)), "isBase64Encoded": body.is_some(),
        });
        self.runtime.events.send(event).expect("the runtime API is there");
        let answer = tokio::time::timeout(PATIENCE, self.runtime.answers.recv()).await;
        answer.expect("it answers").expect("the runtime API is there")
    }
}

async fn upload(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    let (mut files, _) = Started::new(&dir.join("files").join("bootstrap"), world).await;
    let mut body = format!(
        "--it\r\nContent-Disposition: form-data; name=\"channelId\"\r\n\r\n{}\r\n--it\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        agent.channel
    );
    body.push_str(&"x".repeat(4_000_000));
    body.push_str("\r\n--it--\r\n");
    let multipart = Some(("multipart/form-data; boundary=it", body.as_bytes()));
    let answer = files.call("POST", "/api/v1/files/store", &agent, multipart).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    Memory { what: "`files`: an upload of 4 MB".to_owned(), peak_mb: files.memory("VmHWM") }
}

async fn page(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    for _ in 0..100 {
        agent.create_message(json!({ "text": "x".repeat(65_536) })).await;
    }
    let (mut messages, _) = Started::new(&dir.join("messages").join("bootstrap"), world).await;
    let path = format!("/api/v1/messages?limit=100&channel={}", agent.channel);
    let answer = messages.call("GET", &path, &agent, None).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    Memory { what: "`messages`: a page of 100 messages of 64 KiB".to_owned(), peak_mb: messages.memory("VmHWM") }
}

/// The local runner's start on an empty directory.
async fn runner() -> figures::Runner {
    let http = reqwest::Client::new();
    let mut times = vec![];
    let mut rest_mb = 0.0;
    for _ in 0..5 {
        let dir = TempDir::new().expect("a directory");
        let began = Instant::now();
        let runner = Runner::start(dir.path()).await;
        let health = http.get(format!("{}/health", runner.text("url"))).send().await.expect("an answer");
        assert_eq!(health.status(), 200);
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        rest_mb = machine::memory(runner.child.id().expect("it runs"), "VmRSS");
    }
    figures::Runner { first_200_ms: figures::Spread::of(times).p50, rest_mb }
}
