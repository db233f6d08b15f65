//! The command `placet`

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Runner, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::answer_next;

/// The command, which keeps what it keeps below `home`.
fn placet(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(Runner::binary("placet"));
    command.args(arguments).env_clear().env("HOME", home).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command with an agent's key.
fn as_agent(agent: &Agent, world: &World, arguments: &[&str]) -> Command {
    let mut command = placet(Path::new("/nonexistent"), arguments);
    command.env("PLACET_URL", &world.url).env("PLACET_API_KEY", &agent.key).env("PLACET_CHANNEL", &agent.channel);
    command
}

/// Runs it with this standard input.
async fn run(mut command: Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that ends at once reads nothing.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_exit_code_of_ask_and_wait_is_the_answer() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (option, expected) in [("approve", 0), ("reject", 1)] {
        let asking =
            run(as_agent(&agent, &world, &["ask", "Deploy?", "--action", "deploy", "--args", "{\"v\":2}"]), "");
        let (asked, ()) = tokio::join!(asking, answer_next(&person, json!({ "selectedOption": option })));
        assert_eq!(code(&asked), Some(expected), "{}", text(&asked.stderr));
        let review: Value = serde_json::from_slice(&asked.stdout).unwrap();
        assert_eq!(review["decision"]["action"], json!({ "name": "deploy", "args": { "v": 2 } }));
    }
    let once = ["ask", "Deploy?", "--client-id", "job-1", "--no-wait"];
    let first = run(as_agent(&agent, &world, &once), "").await;
    assert_eq!(run(as_agent(&agent, &world, &once), "").await.stdout, first.stdout);
    let id = text(&first.stdout).trim().to_owned();
    let open = run(as_agent(&agent, &world, &["wait", &id, "--timeout", "0"]), "").await;
    assert_eq!((code(&open), text(&open.stdout)), (Some(3), String::new()));
    agent.cancel(&id, json!({})).await.expect(200);
    assert_eq!(code(&run(as_agent(&agent, &world, &["wait", &id]), "").await), Some(2));
    let expiring = run(as_agent(&agent, &world, &["ask", "?", "--expires", "60", "--no-wait"]), "").await;
    world.advance_clock(Duration::from_secs(61));
    let expired = run(as_agent(&agent, &world, &["wait", text(&expiring.stdout).trim()]), "").await;
    assert_eq!(code(&expired), Some(2));
}

#[tokio::test]
async fn an_approval_of_ask_and_wait_allows_one_run() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let job = |more: &[&'static str]| {
        let ask = ["ask", "Deploy?", "--action", "deploy", "--args", "{\"v\":2}", "--client-id", "job-2"];
        as_agent(&agent, &world, &[&ask, more].concat())
    };
    let id = text(&run(job(&["--no-wait"]), "").await.stdout).trim().to_owned();
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    // Looking leaves the approval for the one that consumes it.
    let wait = |more: &[&'static str]| as_agent(&agent, &world, &[&["wait", &id], more].concat());
    for look in [wait(&["--no-consume"]), job(&["--no-consume"])] {
        assert_eq!(code(&run(look, "").await), Some(0));
    }
    // Of two at the same time, one is allowed.
    let (first, second) = tokio::join!(run(wait(&[]), ""), run(job(&[]), ""));
    let mut codes = [code(&first), code(&second)];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(3)], "{}{}", text(&first.stderr), text(&second.stderr));
    for repeat in [job(&[]), wait(&[]), wait(&["--timeout", "0"])] {
        let repeat = run(repeat, "").await;
        assert_eq!((code(&repeat), repeat.stdout.is_empty()), (Some(3), true));
        assert!(text(&repeat.stderr).contains("consumed already"), "{}", text(&repeat.stderr));
    }
    assert_eq!(code(&run(wait(&["--no-consume"]), "").await), Some(0));
}

#[tokio::test]
async fn what_is_about_no_act_is_allowed_by_the_effect_of_its_option() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let options = json!([{ "id": "go", "label": "Go", "effect": "allow" }, { "id": "approve", "label": "Not yet", "effect": "deny" }]);
    for (option, expected) in [("go", 0), ("approve", 1)] {
        let review = json!({ "type": "approval", "payload": { "options": options } });
        let asked = json!({ "channelId": agent.channel, "text": "Deploy?", "review": review });
        let id = agent.post("/api/v1/messages", asked).await.expect(201)["id"].as_str().unwrap().to_owned();
        person.answer(&id, json!({ "selectedOption": option })).await.expect(201);
        // There is nothing to consume.
        for _ in 0..2 {
            let waited = run(as_agent(&agent, &world, &["wait", &id]), "").await;
            assert_eq!(code(&waited), Some(expected), "{}", text(&waited.stderr));
        }
    }
}

/// A service that answers each connection with the same bytes, and leaves it open.
async fn service_that_says(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = connection.read(&mut [0; 4096]).await;
                let _ = connection.write_all(answer.as_bytes()).await;
                let mut rest = vec![];
                let _ = connection.read_to_end(&mut rest).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_hook_ends_before_its_time_out_whatever_it_waits_for() {
    // Longer than a pipe holds, so that it is written only if somebody reads.
    let input = json!({ "command": "x".repeat(1 << 20) });
    let output = json!({ "hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": input });
    let allowed = json!({ "hookSpecificOutput": output }).to_string();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", allowed.len());
    for (waits_for, answer, ends_input) in [
        ("its input", String::new(), false),
        ("an answer", String::new(), true),
        ("the rest of an answer", format!("{head}{{"), true),
        ("somebody who reads what it prints", format!("{head}{allowed}"), true),
    ] {
        let mut hook = placet(Path::new("/nonexistent"), &["hook", "claude-code", "--timeout", "7"]);
        hook.env("PLACET_URL", service_that_says(answer).await).env("PLACET_API_KEY", "hp_x");
        let started = Instant::now();
        let mut hook = hook.spawn().unwrap();
        let mut input = hook.stdin.take();
        if ends_input {
            input.take().unwrap().write_all(b"{}").await.unwrap();
        }
        let ended = tokio::time::timeout(Duration::from_secs(30), hook.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("it still waits for {waits_for}")).unwrap();
        assert_eq!(ended.code(), Some(2), "it waited for {waits_for}");
        assert!(started.elapsed() < Duration::from_secs(7), "it waited for {waits_for}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn trouble_is_3_and_of_a_hook_2() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let stranger = agent.with_key("hp_0000000000000000000000000000000000000000000");
    for (command, input) in [
        (as_agent(&agent, &world, &["wait", "msg_unknown"]), ""),
        (as_agent(&stranger, &world, &["ask", "?"]), ""),
        (as_agent(&agent, &world, &["ask"]), ""),
        (as_agent(&agent, &world, &["ask", "?", "--args", "{"]), ""),
        (placet(Path::new("/nonexistent"), &["ask", "?"]), ""),
    ] {
        let ended = run(command, input).await;
        assert_eq!((code(&ended), ended.stdout.is_empty(), ended.stderr.is_empty()), (Some(3), true, false));
        assert!(!text(&ended.stderr).contains(&agent.key));
    }
    let event = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": "ls" } });
    let event = event.to_string();
    let mut elsewhere = as_agent(&agent, &world, &["hook", "claude-code", "--timeout", "6"]);
    elsewhere.env("PLACET_URL", "http://127.0.0.1:9");
    for (command, input) in [
        (elsewhere, event.as_str()),
        (as_agent(&stranger, &world, &["hook", "codex"]), &event),
        (as_agent(&agent, &world, &["hook", "claude-code"]), "{"),
        (as_agent(&agent, &world, &["hook", "claude-code"]), "{}"),
        (as_agent(&agent, &world, &["hook", "something-else"]), &event),
        (as_agent(&agent, &world, &["hook"]), &event),
        (placet(Path::new("/nonexistent"), &["hook", "claude-code"]), &event),
        // Nobody answers.
        (as_agent(&agent, &world, &["hook", "claude-code", "--timeout", "6"]), &event),
    ] {
        let ended = run(command, input).await;
        assert_eq!((code(&ended), ended.stdout.is_empty(), ended.stderr.is_empty()), (Some(2), true, false));
    }
}

#[tokio::test]
async fn a_hook_ends_with_0_once_a_person_has_decided() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let event =
        json!({ "hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": { "command": "ls" } });
    for (option, behavior) in [("approve", "allow"), ("reject", "deny")] {
        let (input, hook) = (event.to_string(), as_agent(&agent, &world, &["hook", "claude-code"]));
        let answering = answer_next(&person, json!({ "selectedOption": option }));
        let (ended, ()) = tokio::join!(run(hook, &input), answering);
        assert_eq!(code(&ended), Some(0), "{}", text(&ended.stderr));
        let output: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(output["hookSpecificOutput"]["decision"]["behavior"], behavior);
    }
    let deferred = as_agent(&agent, &world, &["hook", "claude-code", "--timeout", "6", "--defer"]);
    let event = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": "ls" } });
    let ended = run(deferred, &event.to_string()).await;
    let output: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((code(&ended), &output["hookSpecificOutput"]["permissionDecision"]), (Some(0), &json!("defer")));
}

#[tokio::test]
async fn a_kept_key_is_readable_by_its_owner_and_sent_to_its_service_only() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let home = TempDir::new().unwrap();
    let login = ["login", world.url.as_str(), "--channel", &agent.channel];
    let refused = run(placet(home.path(), &login), "hp_wrong\n").await;
    assert_eq!((code(&refused), home.path().join(".config/placet").exists()), (Some(3), false));
    let kept = run(placet(home.path(), &login), &format!("{}\n", agent.key)).await;
    assert_eq!((code(&kept), text(&kept.stdout).contains(&agent.key)), (Some(0), false), "{}", text(&kept.stderr));
    let file = home.path().join(".config/placet/login.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let sent = run(placet(home.path(), &["send", "hello", "--status", "success"]), "").await;
    assert_eq!(code(&sent), Some(0), "{}", text(&sent.stderr));
    let read = agent.get(&format!("/api/v1/messages/{}", text(&sent.stdout).trim())).await.expect(200);
    assert_eq!((&read["text"], &read["status"]), (&json!("hello"), &json!("success")));
    let mut elsewhere = placet(home.path(), &["send", "x"]);
    elsewhere.env("PLACET_URL", format!("{}/other", world.url));
    assert_eq!(code(&run(elsewhere, "").await), Some(3));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let open = run(placet(home.path(), &["send", "x"]), "").await;
    assert_eq!((code(&open), text(&open.stderr).contains("chmod 600")), (Some(3), true));
}

#[tokio::test]
async fn files_are_uploaded_and_attached() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let home = TempDir::new().unwrap();
    let file = home.path().join("report.txt");
    std::fs::write(&file, "all is well").unwrap();
    let uploaded = run(as_agent(&agent, &world, &["upload", file.to_str().unwrap()]), "").await;
    assert_eq!(code(&uploaded), Some(0), "{}", text(&uploaded.stderr));
    let path = format!("/api/v1/files/{}/download", text(&uploaded.stdout).trim());
    assert_eq!(agent.get(&path).await.text(), "all is well");
    let sent = run(as_agent(&agent, &world, &["send", "x", "--file", file.to_str().unwrap()]), "").await;
    let read = agent.get(&format!("/api/v1/messages/{}", text(&sent.stdout).trim())).await.expect(200);
    assert_eq!(read["attachments"][0]["filename"], "report.txt");
}

#[tokio::test]
async fn mcp_is_served_on_standard_input_and_output() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let meta = super::meta(json!({}));
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18",
            "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": { "name": "send_message", "arguments": { "text": "one" } } }),
        json!({ "jsonrpc": "2.0", "id": 3, "method": "server/discover", "params": { "_meta": meta } }),
        json!({ "jsonrpc": "2.0", "id": "four", "method": "nothing" }),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ended = run(as_agent(&agent, &world, &["mcp"]), &(input + "{\n")).await;
    assert_eq!(code(&ended), Some(0), "{}", text(&ended.stderr));
    let answers: Vec<Value> = text(&ended.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |id: Value| answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("{id}: {answers:?}"));
    assert_eq!(answers.len(), 5);
    assert_eq!(of(json!(1))["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(of(json!(2))["result"]["structuredContent"]["channelId"], agent.channel.as_str());
    assert_eq!(of(json!(3))["result"]["resultType"], "complete");
    assert_eq!(of(json!("four"))["error"]["code"], -32601);
    assert_eq!(of(Value::Null)["error"]["code"], -32700);
}

#[tokio::test]
async fn shells_complete_it() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ended = run(placet(Path::new("/nonexistent"), &["completions", shell]), "").await;
        assert!(code(&ended) == Some(0) && text(&ended.stdout).contains("completions"), "{shell}");
    }
}
