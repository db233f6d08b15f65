//! Zip sizes, start times and memory of the deployed functions and the local runner.

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

/// A function of the same runtime that does nothing.
const BARE_FUNCTION: &str = "hello";
/// Starts of each function.
const ROUNDS: usize = 30;
/// The longest allowed start or response.
const TIMEOUT: Duration = Duration::from_secs(20);

pub async fn measure(figures: &mut Figures) {
    let dir = TempDir::new().expect("a directory");
    let zips = unpack_zips(dir.path());
    let world = World::embedded().await;
    let mut starts: BTreeMap<&str, (Vec<f64>, f64)> = BTreeMap::new();
    // Round by round, so that other load on the machine affects all functions alike. The first round
    // warms up.
    for round in 0..=ROUNDS {
        for (name, _) in &zips {
            let (started, took) = FunctionProcess::start(&dir.path().join(name).join("bootstrap"), &world).await;
            let (times, rest) = starts.entry(name).or_default();
            if round > 0 {
                times.push(took);
            }
            *rest = started.memory("VmRSS");
        }
    }
    let median = |name: &str| figures::Spread::from_samples(starts[name].0.clone()).p50;
    let bare = median(BARE_FUNCTION);
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
    figures.memory = vec![upload_memory(dir.path(), &world).await, list_memory(dir.path(), &world).await];
    figures.runner = Some(runner_start().await);
}

/// Unpacks each zip of `make build` into its own directory; returns names and zip sizes.
fn unpack_zips(into: &Path) -> Vec<(String, u64)> {
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
    assert!(zips.iter().any(|(name, _)| name == BARE_FUNCTION) && zips.len() > 1, "run `make build`");
    // The bare function comes first: the others are compared with it.
    zips.sort_by_key(|(name, _)| (name != BARE_FUNCTION, name.clone()));
    zips
}

/// The process of a function that has asked the runtime API for work.
struct FunctionProcess {
    process: Child,
    runtime: RuntimeApi,
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl FunctionProcess {
    /// Starts the process; returns it with the milliseconds until its first request for work.
    async fn start(bootstrap: &Path, world: &World) -> (Self, f64) {
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
            ("PLACET_DEAD_LETTERS", "http://127.0.0.1/queue-failed"),
            ("PLACET_SECRETS", "a_secret_of_at_least_32_characters"),
            ("PLACET_MAX_WAIT_MS", "28500"),
        ]);
        let began = Instant::now();
        let process = command.spawn().expect("the function's process starts");
        let requested_at = tokio::time::timeout(TIMEOUT, runtime.requests.recv()).await;
        let requested_at = requested_at.expect("the function asks for work").expect("the runtime API is running");
        (Self { process, runtime }, (requested_at - began).as_secs_f64() * 1000.0)
    }

    fn memory(&self, which: &str) -> f64 {
        machine::memory(self.process.id(), which)
    }

    /// Invokes the function with an event of the HTTP API.
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
        self.runtime.events.send(event).expect("the runtime API is running");
        let answer = tokio::time::timeout(TIMEOUT, self.runtime.answers.recv()).await;
        answer.expect("the function responds").expect("the runtime API is running")
    }
}

async fn upload_memory(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    let (mut files, _) = FunctionProcess::start(&dir.join("files").join("bootstrap"), world).await;
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

async fn list_memory(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    for _ in 0..100 {
        agent.create_message(json!({ "text": "x".repeat(65_536) })).await;
    }
    let (mut messages, _) = FunctionProcess::start(&dir.join("messages").join("bootstrap"), world).await;
    let path = format!("/api/v1/messages?limit=100&channel={}", agent.channel);
    let answer = messages.call("GET", &path, &agent, None).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    Memory { what: "`messages`: a page of 100 messages of 64 KiB".to_owned(), peak_mb: messages.memory("VmHWM") }
}

/// Starts the local runner on an empty directory.
async fn runner_start() -> figures::Runner {
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
        rest_mb = machine::memory(runner.child.id().expect("the runner is running"), "VmRSS");
    }
    figures::Runner { first_200_ms: figures::Spread::from_samples(times).p50, rest_mb }
}
