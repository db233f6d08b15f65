//! How long the pages of hostile texts take on the local runner: as a message's text, as its
//! attachment, and compared with an earlier version.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Agent, Person, Runner, hostile_texts};

/// The length of a text that is too long to be formatted, in bytes.
const LONG_TEXT: usize = 200_000;
/// The length of a text that is formatted, in bytes.
const FORMATTED_TEXT: usize = 65_000;

/// The time of one page.
pub struct PageTime {
    pub took: Duration,
    /// What the page shows.
    pub page: &'static str,
    /// The shape of the text.
    pub shape: &'static str,
}

/// The times of all pages, the slowest first.
pub async fn measure(runner: &Runner) -> Vec<PageTime> {
    let (person, agent) = (runner.browser().await, runner.agent());
    let mut times = vec![];
    for (shape, text) in hostile_texts::all(LONG_TEXT) {
        let review = create(&agent, json!({ "text": text })).await;
        times.push(PageTime { took: time(&person, &review).await, page: "a text of 200 KB", shape });
    }
    for (shape, text) in hostile_texts::all(FORMATTED_TEXT) {
        let file = |text: &str| json!([{ "filename": "plan.md", "content": text, "mimeType": "text/markdown" }]);
        let first = create(&agent, json!({ "text": text, "textAttachments": file(&text) })).await;
        times.push(PageTime { took: time(&person, &first).await, page: "a text and its attachment", shape });
        person.answer(&first, json!({ "selectedOption": "reject" })).await.expect(201);
        let other: String = text.chars().rev().collect();
        let revision = json!({ "text": other, "textAttachments": file(&other), "iterationOf": first });
        let second = create(&agent, revision).await;
        times.push(PageTime { took: time(&person, &second).await, page: "a revision of both", shape });
    }
    times.sort_by_key(|time| std::cmp::Reverse(time.took));
    times
}

async fn create(agent: &Agent, mut message: Value) -> String {
    message["review"] = json!({ "type": "approval" });
    agent.create_message(message).await
}

async fn time(person: &Person, review: &str) -> Duration {
    let began = Instant::now();
    let page = person.get(&format!("/reviews/{review}")).await;
    assert_eq!(page.status, 200);
    began.elapsed()
}
