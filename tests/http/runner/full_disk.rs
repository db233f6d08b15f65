//! A full disk: writes are refused with 503, acknowledged data stays, and everything works again
//! once there is room. The kernel's limit on file size simulates the disk: it needs no mount and
//! fails the same writes.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Agent, Reply, Runner};
use tokio::process::Command;

/// The largest file size, in units of 512 bytes: 8 MiB.
const MAX_FILE_BLOCKS: u32 = 16 * 1024;
/// More messages of 60,000 characters than fit.
const MAX_MESSAGES: usize = 400;

#[tokio::test]
async fn on_a_full_disk_writes_are_503_and_acknowledged_data_stays() {
    let dir = TempDir::new().unwrap();
    let mut runner = start_with_limit(dir.path()).await;
    let (mut agent, mut person) = (runner.agent(), runner.person().await);
    let question = agent.request_approval().await;

    let mut stored = vec![];
    let refused = loop {
        assert!(stored.len() < MAX_MESSAGES, "the limit is never reached");
        let text = format!("{:06}{}", stored.len(), "x".repeat(60_000));
        let reply = agent.send(json!({ "text": text })).await;
        if reply.status != 201 {
            break reply;
        }
        stored.push((id_of(&reply), text));
    };
    refused.expect_error(503, "storage_unavailable");
    assert!(!refused.header("retry-after").is_empty());

    // The answer is either stored and acknowledged, or neither.
    let answered = person.answer(&question, json!({ "selectedOption": "approve" })).await;
    assert!(matches!(answered.status, 201 | 503), "{}", answered.text());
    agent.upload("store", "large.bin", "application/octet-stream", vec![1; 4_000_000]).await;

    // The data survives a restart, with the disk still full and with room again.
    for limited in [true, false] {
        runner.kill().await;
        let next = if limited { start_with_limit(dir.path()).await } else { Runner::start(dir.path()).await };
        agent = Agent::new(next.text("url"), &agent.key, &agent.channel);
        person = person.at(next.text("url"));
        runner = next;
        for (id, text) in &stored {
            let found = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
            assert_eq!(found["text"].as_str(), Some(text.as_str()));
        }
        let status =
            agent.get_in_channel(&format!("/api/v1/reviews/{question}")).await.expect(200)["review"]["status"].clone();
        assert!(answered.status != 201 || status == "completed", "{status}");
    }
    let question = agent.request_approval().await;
    person.answer(&question, json!({ "selectedOption": "approve" })).await.expect(201);
    assert_eq!(agent.wait(&question, 5_000).await.expect(200)["status"], "completed");
}

async fn start_with_limit(dir: &Path) -> Runner {
    let mut command = Command::new("sh");
    // With SIGXFSZ ignored, a write beyond the limit fails with an error.
    command.args(["-c", r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#]).arg(MAX_FILE_BLOCKS.to_string());
    command.arg(Runner::binary("placet-local")).args(["--json", "--port", "0", "--data-dir"]).arg(dir);
    for setting in ["PLACET_OWNER_EMAIL", "PLACET_OWNER_PASSWORD", "PLACET_MAX_WAIT_MS"] {
        command.env_remove(setting);
    }
    command.kill_on_drop(true);
    Runner::from(command).await
}

fn id_of(reply: &Reply) -> String {
    let message: Value = reply.json();
    message["id"].as_str().unwrap().to_owned()
}
