//! Start and stop of `placet-local`: settings, graceful shutdown, and what a kill leaves stored.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::{AttributeValue as Item, Database};
use placet_local::engines::{DATABASE, TABLE};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use test_support::{Agent, Person, Reply, Runner};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinHandle;

#[tokio::test]
async fn the_first_start_creates_an_owner_and_the_second_keeps_all_data() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(&dir.path().join("data")).await;
    let agent = first.agent();
    let file = agent.store_file().await;
    let id =
        agent.create_message(json!({ "text": "?", "review": { "type": "approval" }, "attachmentIds": [file] })).await;
    assert_eq!(first.terminate().await, Some(0));

    let second = Runner::start(&dir.path().join("data")).await;
    for same in ["email", "channelId"] {
        assert_eq!(second.startup[same], first.startup[same]);
    }
    let (agent, person) = (second.agent(), second.person().await);
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    assert_eq!(agent.wait(&id, 5_000).await.expect(200)["status"], "completed");
    assert_eq!(agent.get(&format!("/api/v1/files/{file}/download")).await.text(), "a note");
    let mode = |name: &str| fs::metadata(dir.path().join("data").join(name)).unwrap().permissions().mode() & 0o777;
    let modes = ["secret", "instance.json", "inbox-host", ""].map(mode);
    assert_eq!(modes, [0o600, 0o600, 0o600, 0o700]);
}

#[tokio::test]
async fn the_owner_can_be_chosen_and_an_ephemeral_one_leaves_nothing() {
    let mut command = Runner::command();
    command.args(["--ephemeral", "--json", "--port", "0"]);
    command.env("PLACET_OWNER_EMAIL", "Me@Home.example").env("PLACET_OWNER_PASSWORD", "my own password");
    let tmp = TempDir::new().unwrap();
    command.env("TMPDIR", tmp.path());
    let mut runner = Runner::from(command).await;
    assert_eq!(runner.text("email"), "me@home.example");
    let url = runner.text("url");
    Person::signed_out(url, "me@home.example", "my own password").sign_in().await.expect(200);
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    assert_eq!(runner.terminate().await, Some(0));
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn it_finishes_what_is_in_flight_and_stops_soon() {
    let dir = TempDir::new().unwrap();
    let mut runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    let id = agent.request_approval().await;
    let waiting = tokio::spawn({
        let agent = agent.clone();
        async move { agent.wait(&id, 29_000).await }
    });
    // The long wait began first, so it is held once this short one has ended.
    agent.wait(&agent.request_approval().await, 300).await.expect(200);
    let began = Instant::now();
    assert_eq!(runner.terminate().await, Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(waiting.await.unwrap().expect(200)["status"], "timeout");
}

/// Time to live of the embedded engine, as DynamoDB has it.
#[tokio::test]
async fn expired_items_are_deleted_and_others_stay() {
    let dir = TempDir::new().unwrap();
    Runner::start(dir.path()).await.kill().await;
    let database = Database::new(dir.path().join(DATABASE).to_str().unwrap()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let text = |text: &str| Item::S(text.to_owned());
    let key = |sk: &str| [("pk".to_owned(), text("TEST")), ("sk".to_owned(), text(sk))];
    for (sk, ttl) in [("past", Some(now - 60)), ("future", Some(now + 3600)), ("no ttl", None)] {
        let ttl = ttl.map(|ttl| ("ttl".to_owned(), Item::N(ttl.to_string())));
        let item = key(sk).into_iter().chain(ttl).collect();
        database.put_item(PutItemRequest { table_name: TABLE.to_owned(), item, ..Default::default() }).unwrap();
    }
    let exists = |sk: &str| {
        let key = key(sk).into();
        let get = GetItemRequest { table_name: TABLE.to_owned(), key, ..Default::default() };
        database.get_item(get).unwrap().item.is_some()
    };
    assert!(exists("past"));
    let _runner = Runner::start(dir.path()).await;
    let began = Instant::now();
    while exists("past") {
        assert!(began.elapsed() < Duration::from_secs(30), "the expired item stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(exists("future") && exists("no ttl"));
}

#[tokio::test]
async fn the_longest_wait_can_be_set() {
    let ephemeral = ["--ephemeral", "--json", "--port", "0"];
    let mut command = Runner::command();
    command.args(ephemeral).env("PLACET_MAX_WAIT_MS", "50");
    let runner = Runner::from(command).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    let review = agent.request_approval().await;
    let tool = json!({ "name": "wait_for_review", "arguments": { "messageId": review } });
    let mcp = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool });
    let hook = json!({ "hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash", "tool_input": {} });
    // Every request that is held.
    let held = async {
        assert_eq!(agent.wait(&review, 29_000).await.expect(200)["status"], "timeout");
        let several = agent.get(&format!("/api/v1/reviews/wait?ids={review}&timeout=29000")).await.expect(200);
        assert_eq!(several["pending"], json!([review]));
        // Held once the stream has no more changes of this request.
        let mut known = json!(0);
        loop {
            let next = person.get(&format!("/api/changes?since={known}")).await.expect(200)["sequence"].clone();
            let earlier = std::mem::replace(&mut known, next);
            if known == earlier {
                break;
            }
        }
        assert_eq!(agent.post("/mcp", mcp).await.expect(200)["result"]["structuredContent"]["status"], "pending");
        agent.post("/api/v1/hooks/claude-code", hook).await.expect(200);
    };
    tokio::time::timeout(Duration::from_secs(20), held).await.expect("they end before their 29 s");

    let mut command = Runner::command();
    command.args(ephemeral).env("PLACET_MAX_WAIT_MS", "29001").stdout(Stdio::null());
    let output = command.output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("PLACET_MAX_WAIT_MS is not a number of milliseconds from 1 to 29000"), "{stderr}");
}

/// Runs `placet-local` until it exits; returns its exit code and standard error.
async fn failed_start(arguments: &[&str], email: &str, password: &str) -> (Option<i32>, String) {
    let mut command = Runner::command();
    command.args(arguments).env("PLACET_OWNER_EMAIL", email).env("PLACET_OWNER_PASSWORD", password);
    let output = command.stdout(Stdio::null()).output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_failed_start_says_why_in_a_sentence() {
    let dir = TempDir::new().unwrap();
    let running = Runner::start(&dir.path().join("data")).await;
    let data = dir.path().join("data").to_str().unwrap().to_owned();
    let other = dir.path().join("other").to_str().unwrap().to_owned();
    let file = dir.path().join("file").to_str().unwrap().to_owned();
    fs::write(&file, "").unwrap();
    let port = running.text("url").rsplit(':').next().unwrap();
    for (arguments, email, password, expected) in [
        (vec!["--port", port, "--data-dir", &other], "", "", "is in use: stop the program that uses it"),
        (vec!["--port", "0", "--data-dir", &data], "", "", "is in use by another placet-local"),
        (vec!["--port", "0", "--data-dir", &file], "", "", "The data directory cannot be used"),
        (vec!["--port", "0", "--data-dir", "/proc/placet"], "", "", "The data directory cannot be used"),
        (vec!["--port", "0", "--data-dir", &other], "nobody", "", "PLACET_OWNER_EMAIL is not an e-mail address"),
        (vec!["--port", "0", "--data-dir", &other], "", "short", "must have at least 8 characters"),
    ] {
        let (code, stderr) = failed_start(&arguments, email, password).await;
        assert_eq!(code, Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
    assert!(!dir.path().join("other").exists(), "a failed start creates no directory");
}

#[tokio::test]
async fn a_kill_loses_nothing_acknowledged() {
    let dir = TempDir::new().unwrap();
    let (mut sent, mut decided) = (vec![], vec![]);
    for round in 0..8_u32 {
        let mut runner = Runner::start(dir.path()).await;
        let (agent, person) = (runner.agent(), runner.person().await);
        let writers = start_writers(4, &agent, &person, round);
        // Killed in the middle of writing, after some of this round's writes were acknowledged.
        wait_for_messages(&agent, sent.len() + 5 + round as usize).await;
        runner.kill().await;
        for writer in writers {
            let (messages, answers) = writer.await.unwrap();
            sent.extend(messages);
            decided.extend(answers);
        }
    }
    assert!(decided.len() >= 8 && sent.len() > decided.len(), "{} sent, {} decided", sent.len(), decided.len());

    let runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    for (id, text) in sent {
        assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200)["text"], text);
    }
    for (id, feedback) in decided {
        let review = agent.get_in_channel(&format!("/api/v1/reviews/{id}")).await.expect(200)["review"].clone();
        assert_eq!((&review["status"], &review["feedback"]), (&json!("completed"), &json!(feedback)));
    }
}

#[tokio::test]
async fn work_that_fell_due_while_stopped_runs_at_the_next_start() {
    let dir = TempDir::new().unwrap();
    let mut first = Runner::start(dir.path()).await;
    let agent = first.agent();
    let ask = || agent.create_message(json!({ "text": "?", "review": { "type": "approval", "expiresInSeconds": 1 } }));
    // One review is never read. The wait on the other ends when both are due.
    let (_, other) = (ask().await, ask().await);
    assert_eq!(agent.wait(&other, 10_000).await.expect(200)["status"], "expired");
    assert_eq!(first.terminate().await, Some(0));

    let mut command = Runner::command();
    command.args(["--json", "--verbose", "--port", "0", "--data-dir"]).arg(dir.path());
    command.env("NO_COLOR", "1").stderr(Stdio::piped());
    let mut second = Runner::from(command).await;
    let mut log = BufReader::new(second.child.stderr.take().unwrap()).lines();
    let sweep = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("swept") {
                return line;
            }
        }
        panic!("the runner ended");
    };
    let line = tokio::time::timeout(Duration::from_secs(20), sweep).await.expect("a sweep");
    assert!(line.contains("expired=1"), "{line}");
}

/// Starts `count` writers, each of which writes until the connection fails.
pub fn start_writers(
    count: u32,
    agent: &Agent,
    person: &Person,
    round: u32,
) -> Vec<JoinHandle<(Acknowledged, Acknowledged)>> {
    let one = |writer| {
        let (agent, person) = (agent.clone(), person.clone());
        tokio::spawn(async move { write_until_killed(&agent.channel, &agent, &person, round * 10 + writer).await })
    };
    (0..count).map(one).collect()
}

/// Acknowledged messages or answers: id and text.
pub type Acknowledged = Vec<(String, String)>;

/// Sends and answers until the connection fails; returns what was acknowledged with 201.
async fn write_until_killed(channel: &str, agent: &Agent, person: &Person, seed: u32) -> (Acknowledged, Acknowledged) {
    let (mut sent, mut decided) = (vec![], vec![]);
    for number in 0.. {
        let text = format!("{seed}-{number}");
        let message = json!({ "channelId": channel, "text": text, "review": { "type": "approval" } });
        let request = agent.request(Method::POST, "/api/v1/messages").json(&message);
        let Some(reply) = Reply::try_fetch(request).await.filter(|reply| reply.status == 201) else { break };
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        sent.push((id.clone(), text.clone()));
        let answer = json!({ "response": { "selectedOption": "approve" }, "feedback": text });
        let request = person.request(Method::POST, &format!("/api/messages/{id}/respond")).json(&answer);
        let Some(_) = Reply::try_fetch(request).await.filter(|reply| reply.status == 201) else { break };
        decided.push((id, text));
    }
    (sent, decided)
}

/// Waits until the channel holds at least this many messages.
async fn wait_for_messages(agent: &Agent, count: usize) {
    loop {
        let (mut seen, mut cursor) = (0, String::new());
        while let Some(next) = {
            let page = agent.get_in_channel(&format!("/api/v1/messages?limit=100&cursor={cursor}")).await.expect(200);
            seen += page["data"].as_array().unwrap().len();
            page["nextCursor"].as_str().map(str::to_owned)
        } {
            cursor = next;
        }
        if seen >= count {
            return;
        }
    }
}

#[tokio::test]
async fn a_function_names_its_missing_setting() {
    for function in ["messages", "reviews", "files", "agents", "inbox", "accounts", "plugins", "web"] {
        let settings = ["AWS_REGION", "PLACET_TABLE", "PLACET_BUCKET"];
        for missing in settings {
            let mut command = tokio::process::Command::new(Runner::binary(function));
            let present = settings.into_iter().filter(|name| *name != missing).map(|name| (name, "x".repeat(32)));
            let output = command.env_clear().envs(present).output().await.unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{function}: {stderr}");
            assert!(stderr.contains(&format!("the environment variable {missing} is not set")), "{function}: {stderr}");
        }
    }
}
