//! Load limits of `placet-local`: one caller's load does not stop other callers.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use placet_bench::fairness::{LOADS, LoadSize, expanding_json, measure, memory, sign_in_among};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use test_support::{Person, Reply, Runner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

async fn with_setting(dir: &Path, name: &str, value: &str) -> Runner {
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(dir).env(name, value);
    Runner::from(command).await
}

/// A tenth of the load of `make soak`, whose bounds hold for a release build on an otherwise idle machine.
/// Other tests run at the same time, so the bounds are multiples of what an idle runner takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_of_one_caller_does_not_delay_another() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start_delivering(dir.path()).await;
    let measured = measure(&runner, LoadSize::TENTH, &LOADS).await;
    let quiet = measured[0].clone();
    let max_p50 = 3 * quiet.p50.max(Duration::from_millis(500));
    // Of 20 samples this is the longest.
    let max_p99 = 3 * quiet.p99.max(Duration::from_secs(2));
    // All answers pass through one stream in order. A debug build takes up to half of this time while a compiler runs.
    let max_webhook = Duration::from_secs(30);
    for under_load in &measured {
        assert!(under_load.p50 <= max_p50, "{under_load:?}, {quiet:?}");
        assert!(under_load.p99 <= max_p99, "{under_load:?}, {quiet:?}");
        assert!(under_load.webhook <= max_webhook, "{under_load:?}, {quiet:?}");
        assert!(under_load.memory <= 300, "{under_load:?}");
    }
}

#[tokio::test]
async fn a_login_takes_seconds_during_a_flood_of_unknown_addresses() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let took = sign_in_among(&runner, 60).await;
    assert!(took < Duration::from_secs(12), "{took:?}");
}

#[tokio::test]
async fn half_sent_requests_take_no_descriptors_from_others() {
    let dir = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 1024; exec \"$0\" --json --port 0 --data-dir \"$1\""]);
    command.arg(Runner::binary("placet-local")).arg(dir.path()).kill_on_drop(true).stderr(Stdio::null());
    let runner = Runner::from(command).await;
    let address = runner.text("url").strip_prefix("http://").unwrap().to_owned();
    let half_sent = join_all((0..1_118).map(async |_| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        stream
    }));
    let mut half_sent = half_sent.await;
    let began = Instant::now();
    for _ in 0..20 {
        let visitor = Person::signed_out(runner.text("url"), "", "");
        visitor.get("/health").await.expect(200);
    }
    runner.agent().request_approval().await;
    // They are answered before the half-sent ones, which the server closes after ten seconds, have to make room.
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    // The server closes half-sent requests after a timeout.
    let mut last = half_sent.pop().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), last.read(&mut [0])).await;
    assert_eq!(ended.expect("the server closes the connection").unwrap_or(0), 0);
}

#[tokio::test]
async fn a_keep_alive_connection_outlives_the_header_timeout() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let mut stream = TcpStream::connect(runner.text("url").strip_prefix("http://").unwrap()).await.unwrap();
    for pause in [0, 12] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = vec![0; 4096];
        let _ = stream.read(&mut rest).await.unwrap();
    }
}

#[tokio::test]
async fn each_user_has_a_limit_of_held_waits() {
    let dir = TempDir::new().unwrap();
    let runner = with_setting(dir.path(), "PLACET_MAX_WAITS_PER_USER", "3").await;
    let (agent, person) = (runner.agent(), runner.person().await);
    let other = add_user(&runner).await.agent().await;
    let (id, theirs, decided) =
        (agent.request_approval().await, other.request_approval().await, agent.request_approval().await);
    person.answer(&decided, json!({ "selectedOption": "approve" })).await.expect(201);
    let held = join_all((0..3).map(async |_| {
        // Repeated until one of the short waits below releases its slot.
        loop {
            let reply = agent.wait(&id, 6_000).await;
            if reply.status != 429 {
                break reply;
            }
        }
    }));
    let meanwhile = async {
        let refused = loop {
            let reply = agent.wait(&id, 50).await;
            if reply.status != 200 {
                break reply;
            }
        };
        refused.expect_error(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "5");
        // A decided review returns at once, and other users have their own limit.
        assert_eq!(agent.wait(&decided, 50).await.expect(200)["status"], "completed");
        assert_eq!(other.wait(&theirs, 50).await.expect(200)["status"], "timeout");
    };
    let (waited, ()) = tokio::join!(held, meanwhile);
    assert!(waited.iter().all(|reply| reply.expect(200)["status"] == "timeout"));
    agent.wait(&id, 50).await.expect(200);
}

#[tokio::test]
async fn each_key_has_a_rate_limit() {
    let dir = TempDir::new().unwrap();
    let runner = with_setting(dir.path(), "PLACET_MAX_REQUESTS_PER_SECOND", "5").await;
    let (agent, person) = (runner.agent(), runner.person().await);
    let mut refused = None;
    for _ in 0..400 {
        let reply = agent.get("/api/v1/agents").await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("a request over the limit");
    refused.expect_error(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    person.get("/api/auth/me").await.expect(200);
    // An unknown key is 401 even while the limit is exceeded.
    let unknown = format!("hp_{}{}", "a".repeat(43), &agent.key[46..]);
    agent.with_key(&unknown).get("/api/v1/agents").await.expect_error(401, "unauthorized");
    let again = async {
        while agent.get("/api/v1/agents").await.status == 429 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("requests are accepted again");
}

#[tokio::test]
async fn an_invalid_setting_stops_the_start() {
    for name in [
        "PLACET_MAX_CONNECTIONS",
        "PLACET_MAX_WAITS_PER_USER",
        "PLACET_MAX_BODY_MEMORY_MIB",
        "PLACET_STORED_GIB_PER_USER",
    ] {
        let mut command = Runner::command();
        let output = command.args(["--ephemeral", "--port", "0"]).env(name, "0").output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(name), "{stderr}");
    }
}

/// JSON that would take a hundred times its size in memory is never built as a tree.
#[tokio::test]
async fn a_body_uses_about_its_own_size_of_memory() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    let body = expanding_json(4_400_000);
    let post = async |request: reqwest::RequestBuilder| {
        Reply::fetch(request.header("Content-Type", "application/json").body(body.clone())).await
    };
    let before = memory(runner.child.id().unwrap());
    post(agent.request(Method::POST, "/api/v1/messages")).await.expect_error(400, "validation_failed");
    post(agent.request(Method::PUT, &format!("/api/v1/agents/{}/commands", agent.channel))).await;
    post(person.request(Method::POST, "/api/users")).await.expect_error(400, "validation_failed");
    let visitor = Person::signed_out(runner.text("url"), "", "");
    // These are refused before their bodies are read.
    post(visitor.request(Method::POST, "/api/auth/login")).await.expect_error(413, "too_large");
    post(visitor.request(Method::POST, "/api/v1/messages")).await.expect_error(401, "unauthorized");
    let grown = memory(runner.child.id().unwrap()).saturating_sub(before);
    assert!(grown < 150, "{grown} MiB");
}

/// As most simple clients do: they read only what answers a body that is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_a_whole_body_first_learns_why_it_was_refused() {
    const BODY: usize = 30_000_000;
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let address = runner.text("url").strip_prefix("http://").unwrap();
    let key = runner.agent().key.clone();
    // Each is refused at another place: by the routes, by the route's credential, by what reads the body.
    let refused = [
        ("/api/v1/nowhere", "", "404"),
        ("/api/v1/messages", "", "401"),
        ("/api/auth/login", "", "413"),
        ("/api/v1/messages", &key, "413"),
    ];
    for (path, key, status) in refused {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\n\
             Content-Length: {BODY}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; BODY]).await.unwrap();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with('}'), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_refused_body_is_disconnected() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let address = runner.text("url").strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/messages HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 401 "), "{:?}", String::from_utf8(answer));
    let began = Instant::now();
    while stream.write_all(b" ").await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(60), "the connection stays open");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn endless_bodies_use_little_memory_and_delay_no_other_caller() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    let address = runner.text("url").strip_prefix("http://").unwrap();
    let before = memory(runner.child.id().unwrap());
    let unfinished = join_all((0..300).map(async |_| {
        let head = format!(
            "POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer \
             hp_{}{}\r\nContent-Length: 4400000\r\n\r\n",
            "a".repeat(43),
            "0".repeat(26)
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&vec![b' '; 4_000_000])).await;
        stream
    }));
    let mut unfinished = unfinished.await;
    let began = Instant::now();
    agent.create_message(json!({ "text": "x".repeat(150_000) })).await;
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    let grown = memory(runner.child.id().unwrap()).saturating_sub(before);
    assert!(grown < 300, "{grown} MiB");
    // The callers get 401, or their connection closes, within the timeout for a pause in a body.
    let mut answer = vec![0; 12];
    let answered = tokio::time::timeout(Duration::from_secs(30), unfinished[0].read_exact(&mut answer)).await;
    assert!(answered.is_ok_and(|read| read.is_err() || answer == b"HTTP/1.1 401"), "{answer:?}");
}

async fn add_user(runner: &Runner) -> Person {
    let new = json!({ "email": "another@people.example", "displayName": "Another", "password": "long enough" });
    runner.person().await.post("/api/users", new).await.expect(201);
    let person = Person::signed_out(runner.text("url"), "another@people.example", "long enough");
    person.sign_in().await.expect(200);
    person
}
