//! Zip sizes, start times and memory of the deployed functions and the local runner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use placet_bench::figures::{self, Figures, Function, Memory};
use serde_json::json;
use tempfile::TempDir;
use test_support::function_process::{FunctionProcess, http_event};
use test_support::{Runner, World};

use crate::machine;

/// A function of the same runtime that does nothing.
const BARE_FUNCTION: &str = "hello";
/// Starts of each function.
const ROUNDS: usize = 30;

pub async fn measure(figures: &mut Figures) {
    let dir = TempDir::new().expect("a directory");
    let zips = unpack_zips(dir.path());
    let world = World::embedded().await;
    let mut starts: BTreeMap<&str, (Vec<f64>, f64)> = BTreeMap::new();
    // Round by round, so that other load on the machine affects all functions alike. The first round
    // warms up.
    for round in 0..=ROUNDS {
        for (name, _) in &zips {
            let (started, took) = start(&dir.path().join(name).join("bootstrap"), &world).await;
            let (times, rest) = starts.entry(name).or_default();
            if round > 0 {
                times.push(took.as_secs_f64() * 1000.0);
            }
            *rest = memory(&started, "VmRSS");
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

/// Starts the process of a function.
async fn start(bootstrap: &Path, world: &World) -> (FunctionProcess, Duration) {
    FunctionProcess::start(bootstrap, world, &world.endpoints_over_tcp().await, "http://127.0.0.1/queue").await
}

/// Memory of a function's process in MB.
fn memory(function: &FunctionProcess, which: &str) -> f64 {
    machine::memory(function.id(), which)
}

async fn upload_memory(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    let (mut files, _) = start(&dir.join("files").join("bootstrap"), world).await;
    let mut body = format!(
        "--it\r\nContent-Disposition: form-data; name=\"channelId\"\r\n\r\n{}\r\n--it\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        agent.channel
    );
    body.push_str(&"x".repeat(4_000_000));
    body.push_str("\r\n--it--\r\n");
    let multipart = Some(("multipart/form-data; boundary=it", body.as_bytes()));
    let answer = files.invoke(http_event("POST", "/api/v1/files/store", &agent.key, multipart)).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    Memory { what: "`files`: an upload of 4 MB".to_owned(), peak_mb: memory(&files, "VmHWM") }
}

async fn list_memory(dir: &Path, world: &World) -> Memory {
    let agent = world.person().await.agent().await;
    for _ in 0..100 {
        agent.create_message(json!({ "text": "x".repeat(65_536) })).await;
    }
    let (mut messages, _) = start(&dir.join("messages").join("bootstrap"), world).await;
    let path = format!("/api/v1/messages?limit=100&channel={}", agent.channel);
    let answer = messages.invoke(http_event("GET", &path, &agent.key, None)).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    Memory { what: "`messages`: a page of 100 messages of 64 KiB".to_owned(), peak_mb: memory(&messages, "VmHWM") }
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
