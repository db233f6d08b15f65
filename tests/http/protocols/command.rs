//! The command `placet`

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Runner, World};
use tokio::io::AsyncWriteExt;
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
    world.advance_clock(std::time::Duration::from_secs(61));
    let expired = run(as_agent(&agent, &world, &["wait", text(&expiring.stdout).trim()]), "").await;
    assert_eq!(code(&expired), Some(2));
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
