//! The examples. The Python one runs a whole approval: it asks, a person answers, it receives the answer.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use test_support::World;
use tokio::process::Command;

#[tokio::test]
async fn the_python_example_does_the_whole_loop() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python/approval.py");
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(example).env("PLACET_URL", &world.url).env("PLACET_API_KEY", &agent.key);
    command.env("PLACET_CHANNEL", &agent.channel).kill_on_drop(true);
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python starts");

    // If the example exits before it asks, this loop must not run for ever.
    let review = loop {
        let pending = person.get("/api/messages/reviews").await.expect(200);
        match pending[0]["id"].as_str() {
            Some(id) => break Some(id.to_owned()),
            None if running.try_wait().unwrap().is_some() => break None,
            None => {}
        }
    };
    if let Some(id) = review {
        let body = json!({ "response": { "selectedOption": "approve" }, "feedback": "Looks good" });
        person.post(&format!("/api/messages/{id}/respond"), body).await.expect(201);
    }
    let output = running.wait_with_output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("approve") && stdout.contains("Looks good"), "{stdout}");
    assert_eq!(agent.get("/api/v1/agents").await.expect(200)[0]["status"], "active");
}

#[test]
fn the_page_on_approvals_shows_the_verifiers_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/APPROVALS.md");
    for (fence, example) in
        [("```python\n", "examples/python/verify_receipt.py"), ("```js\n", "examples/javascript/verify_receipt.mjs")]
    {
        let shown = page.split(fence).nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        assert!(shown.lines().count() >= 10 && read(example).contains(shown), "{example} differs from:\n{shown}");
    }
}
