//! The steps of docs/MIGRATING.md that a program can take, from one service to another.

use serde_json::json;
use tempfile::TempDir;
use test_support::{Agent, Runner};
use tokio::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/migrate_from_placet.py");

/// What it printed: its output and its errors.
async fn migrate(old: &Runner, new: &Runner) -> (String, String) {
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(SCRIPT).env("OLD_URL", old.text("url")).env("OLD_KEY", old.text("apiKey"));
    let output = command.env("NEW_URL", new.text("url")).env("NEW_KEY", new.text("apiKey")).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn agents_are_created_once_and_their_clients_work_with_the_new_settings() {
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let (old, new) = (Runner::start(dirs[0].path()).await, Runner::start(dirs[1].path()).await);
    let deployer = json!({ "name": "Deployer", "description": "Deploys", "tag": "ci" });
    let was = old.agent().post("/api/v1/agents", deployer).await.expect(201)["id"].as_str().unwrap().to_owned();
    let commands = json!({ "commands": [{ "command": "stop", "description": "Stops" }] });
    let put = old.agent().request(reqwest::Method::PUT, &format!("/api/v1/agents/{was}/commands"));
    test_support::Reply::fetch(put.json(&commands)).await.expect(200);

    let (printed, _) = migrate(&old, &new).await;
    assert_eq!(migrate(&old, &new).await.0, printed, "a repeated run changes nothing");
    let line = printed.lines().find(|line| line.starts_with("Deployer: ")).expect("the agent");
    let (from, to) = line.trim_start_matches("Deployer: channel ").split_once(" -> ").expect("both ids");
    assert_eq!(from, was);
    let agents = new.agent().get("/api/v1/agents").await.expect(200);
    let made: Vec<_> = agents.as_array().unwrap().iter().filter(|agent| agent["name"] == "Deployer").collect();
    assert_eq!((made.len(), &made[0]["tag"], &made[0]["commands"][0]["command"]), (1, &json!("ci"), &json!("stop")));
    let client = Agent::new(new.text("url"), new.text("apiKey"), to);
    let asked = client.request_approval().await;
    new.person().await.answer(&asked, json!({ "selectedOption": "approve" })).await.expect(201);
    assert_eq!(client.wait(&asked, 1000).await.expect(200)["status"], "completed");
}

#[tokio::test]
async fn a_refused_webhook_is_left_out_and_agents_of_one_name_stay_apart() {
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    // The old service may call the machine's own addresses, the new one may not.
    let (old, new) = (Runner::start_delivering(dirs[0].path()).await, Runner::start(dirs[1].path()).await);
    let private = json!({ "name": "Reporter", "tag": "ci", "webhookUrl": "http://127.0.0.1:9/report" });
    let mut were = vec![];
    for agent in [private, json!({ "name": "Twin", "tag": "one" }), json!({ "name": "Twin", "tag": "two" })] {
        let made = old.agent().post("/api/v1/agents", agent).await.expect(201);
        were.push(made["id"].as_str().unwrap().to_owned());
    }
    let (printed, errors) = migrate(&old, &new).await;
    assert!(errors.contains("Reporter: without its webhook http://127.0.0.1:9/report: "), "{errors}");
    assert!(errors.contains("(400)") && errors.lines().count() == 1, "{errors}");
    let agents = new.agent().get("/api/v1/agents").await.expect(200);
    let tag_of = |was: &str| {
        let line = printed.lines().find(|line| line.contains(was)).unwrap_or_else(|| panic!("{was}: {printed}"));
        let (_, id) = line.split_once(" -> ").unwrap();
        let agent = agents.as_array().unwrap().iter().find(|agent| agent["id"] == id).unwrap();
        (agent["tag"].clone(), agent["webhookUrl"].clone())
    };
    for (was, tag) in were.iter().zip(["ci", "one", "two"]) {
        assert_eq!(tag_of(was), (json!(tag), json!(null)));
    }
    assert_eq!(migrate(&old, &new).await, (printed, String::new()), "a repeated run changes nothing");
}
