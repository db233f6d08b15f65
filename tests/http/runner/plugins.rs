//! Plugins from a directory: checked at the start, drawn, offered and named like bundled ones.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use test_support::Runner;

const MANIFEST: &str = r#"{"name":"own-card","displayName":"Own card","version":"1.0.0","inputSchema":{"type":"object","properties":{"title":{"type":"string"}},"required":["title"]}}"#;
const PAGE: &str =
    "<!doctype html><html><head></head><body><script>document.title = Placet.data.title</script></body></html>";

fn write_plugin(directory: &Path, name: &str, manifest: &str, page: &str) {
    let plugin = directory.join(name);
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("plugin.json"), manifest).unwrap();
    fs::write(plugin.join("render.html"), page).unwrap();
}

#[tokio::test]
async fn a_plugin_from_a_directory_is_like_a_bundled_one() {
    let (plugins, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_plugin(plugins.path(), "own-card", MANIFEST, PAGE);
    fs::write(plugins.path().join("own-card/icon.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
    let mut command = Runner::command();
    command.args(["--json", "--port", "0", "--data-dir"]).arg(data.path()).arg("--plugins").arg(plugins.path());
    let runner = Runner::from(command).await;
    let (person, agent) = (runner.person().await, runner.agent());

    assert_eq!(agent.get("/api/v1/plugins/own-card").await.expect(200)["displayName"], "Own card");
    let review = json!({ "type": "own-card", "payload": { "title": "T" } });
    let sent = agent.send(json!({ "text": "t", "review": review })).await.expect(201);
    assert_eq!(sent["metadata"], json!({ "plugin": "own-card" }));
    let frame = person.get("/api/plugins/own-card/render").await;
    assert!(frame.status == 200 && frame.text().contains("document.title"), "{}", frame.text());
    assert_eq!(person.get("/api/plugins/own-card/icon").await.header("content-type"), "image/svg+xml");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let tools = agent.post("/mcp", list).await.expect(200);
    let names = tools["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap());
    assert!(names.into_iter().any(|name| name == "send_own_card_message"));
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": { "name": "send_own_card_message", "arguments": { "title": "T" } } });
    let sent = agent.post(&format!("/mcp?channel={}", agent.channel), call).await.expect(200);
    assert_eq!(sent["result"]["isError"], json!(false), "{sent}");
}

#[tokio::test]
async fn a_start_names_everything_that_is_wrong_with_plugins() {
    let plugins = TempDir::new().unwrap();
    write_plugin(plugins.path(), "own-card", &MANIFEST.replace("1.0.0", "1"), PAGE);
    write_plugin(plugins.path(), "other", MANIFEST, "<script src=x></script>");
    fs::create_dir(plugins.path().join("empty")).unwrap();
    for arguments in [vec!["--ephemeral", "--port", "0", "--plugins"], vec!["check-plugins"]] {
        let output = Runner::command().args(arguments).arg(plugins.path()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        for problem in ["semver", "that of the directory", "without attributes", "<head>", "plugin.json", "render.html"]
        {
            assert!(said.contains(problem), "{problem}: {said}");
        }
    }
    let bundled = TempDir::new().unwrap();
    write_plugin(bundled.path(), "status-card", &MANIFEST.replace("own-card", "status-card"), PAGE);
    let output = Runner::command().arg("check-plugins").arg(bundled.path()).output().await.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("another name"));
}
