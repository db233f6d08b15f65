//! Bounds of rendering: whatever agents and people send, a page renders in bounded time and size.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, World, hostile_texts};

/// The longest time of a page, in the tests' unoptimised build on a loaded machine. Without bounds,
/// most of these pages take minutes.
const MAX_RENDER_TIME: Duration = Duration::from_secs(8);
/// The largest page: a function's response is encoded in base64.
const MAX_PAGE_BYTES: usize = 4_400_000;
/// The length of a text that is too long to be formatted, in bytes.
const LONG_TEXT: usize = 200_000;
/// The length of a text that is formatted, in bytes.
const FORMATTED_TEXT: usize = 65_000;

async fn fetch_page(person: &Person, path: &str) -> (Duration, String) {
    let began = Instant::now();
    let reply = person.get(path).await;
    assert_eq!(reply.status, 200, "{path}");
    (began.elapsed(), reply.text())
}

/// Asserts that a page is within its bounds of time and size; returns its time.
async fn assert_bounded(person: &Person, path: &str, what: &str) -> Duration {
    let (mut took, page) = fetch_page(person, path).await;
    assert!(page.len() < MAX_PAGE_BYTES, "{what}: {} bytes", page.len());
    if took >= MAX_RENDER_TIME {
        took = fetch_page(person, path).await.0;
    }
    assert!(took < MAX_RENDER_TIME, "{what}: {took:?}");
    took
}

fn review() -> Value {
    json!({ "type": "approval" })
}

/// Prints the slowest times, for runs with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the times are for the developer")]
fn print_slowest(what: &str, mut figures: Vec<(Duration, &str)>) {
    figures.sort();
    let slowest: Vec<_> = figures.iter().rev().take(3).collect();
    println!("{what}: {} shapes, the slowest {slowest:?}", figures.len());
}

#[tokio::test]
async fn a_hostile_text_renders_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for length in [LONG_TEXT, FORMATTED_TEXT] {
        let mut figures = vec![];
        for (name, text) in hostile_texts::all(length) {
            let review_id = agent.create_message(json!({ "text": text, "review": review() })).await;
            figures.push((assert_bounded(&person, &format!("/reviews/{review_id}"), name).await, name));
        }
        print_slowest(&format!("texts of {length} bytes"), figures);
    }
}

#[tokio::test]
async fn a_hostile_attachment_and_its_diff_render_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (mut attached, mut compared) = (vec![], vec![]);
    for (name, text) in hostile_texts::all(FORMATTED_TEXT) {
        let other: String = text.chars().rev().collect();
        let message = |text: &str, before: Option<&str>| {
            let file = json!({ "filename": "plan.md", "content": text, "mimeType": "text/markdown" });
            json!({ "text": text, "textAttachments": [file], "review": { "type": "approval" }, "iterationOf": before })
        };
        let review_id = agent.create_message(message(&text, None)).await;
        attached.push((assert_bounded(&person, &format!("/reviews/{review_id}"), name).await, name));
        person.answer(&review_id, json!({ "selectedOption": "reject" })).await.expect(201);
        let revised = agent.create_message(message(&other, Some(&review_id))).await;
        compared.push((assert_bounded(&person, &format!("/reviews/{revised}"), name).await, name));
    }
    print_slowest("texts with the same text as an attachment", attached);
    print_slowest("revisions of both", compared);
}

#[tokio::test]
async fn a_diff_of_forty_files_renders_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let content = |salt: usize| (0..7_000).map(|n| format!("{}\n", n * 7919 % (9_000 + salt))).collect::<String>();
    let message = |salt: usize, before: Option<&str>| {
        let file = |n: usize| json!({ "filename": format!("{n}.txt"), "content": content(salt + n) });
        let files: Vec<Value> = (0..40).map(file).collect();
        json!({ "text": "x", "textAttachments": files, "review": review(), "iterationOf": before })
    };
    let first = agent.create_message(message(1, None)).await;
    person.answer(&first, json!({ "selectedOption": "reject" })).await.expect(201);
    let second = agent.create_message(message(500, Some(&first))).await;
    assert_bounded(&person, &format!("/reviews/{second}"), "forty files").await;
    let (_, page) = fetch_page(&person, &format!("/reviews/{second}")).await;
    assert!(page.contains("Changes since v1") && page.contains("Too long to compare"));
}

#[tokio::test]
async fn a_channel_of_hostile_messages_renders_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (_, text) in hostile_texts::all(FORMATTED_TEXT).into_iter().take(30) {
        let deep = format!("{}{}{}", "[".repeat(100), "1,".repeat(5_000) + "1", "]".repeat(100));
        let metadata: Value = serde_json::from_str(&format!("{{\"plugin\":\"a\",\"deep\":{deep}}}")).unwrap();
        agent.create_message(json!({ "text": text, "metadata": metadata })).await;
    }
    assert_bounded(&person, &format!("/channels/{}", agent.channel), "a channel").await;
}

#[tokio::test]
async fn a_long_text_is_shown_plain_with_a_link_to_all_of_it() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    let text = format!("{} **end <b>** é", "word ".repeat(20_000));
    let review_id = agent.create_message(json!({ "text": text, "review": review() })).await;
    let (_, page) = fetch_page(&person, &format!("/reviews/{review_id}")).await;
    assert!(page.contains("Shown as plain text: it is longer than 64 KB."));
    assert!(page.contains("**end &#60;b&#62;** é"), "a review shows the whole text");
    let (_, channel) = fetch_page(&person, &format!("/channels/{}", agent.channel)).await;
    let whole = format!("/messages/{review_id}/text");
    assert!(channel.contains(&whole) && !channel.contains("**end"));
    let reply = person.get(&whole).await;
    assert!(reply.header("content-type").starts_with("text/plain"));
    assert!(reply.header("content-security-policy").contains("sandbox"));
    assert_eq!((reply.status, reply.text()), (200, text));
    assert_eq!(stranger.get(&whole).await.status, 404);
    let deep = agent.create_message(json!({ "text": "> ".repeat(100) + "deep", "review": review() })).await;
    let (_, page) = fetch_page(&person, &format!("/reviews/{deep}")).await;
    assert!(page.contains("Shown as plain text: it is nested more than 64 levels deep."));
    let preview = person.submit_form("/preview", &[("text", &"- ".repeat(70).replace("- ", "1. "))]).await.text();
    assert!(preview.contains("Shown as plain text"), "{preview}");
}

#[tokio::test]
async fn json_renders_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let deep = |inner: usize| format!("{}{}{}", "[".repeat(100), "0,".repeat(inner) + "0", "]".repeat(100));
    let payload: Value = serde_json::from_str(&format!("{{\"deep\":{}}}", deep(30_000))).unwrap();
    let review_id = agent.create_message(json!({ "review": { "type": "freeform", "payload": payload } })).await;
    assert_bounded(&person, &format!("/reviews/{review_id}"), "a payload").await;
    let response: Value = serde_json::from_str(&format!("{{\"deep\":{}}}", deep(30_000))).unwrap();
    person.answer(&review_id, response).await.expect(201);
    assert_bounded(&person, &format!("/reviews/{review_id}"), "a response").await;
    let metadata: Value = serde_json::from_str(&format!("{{\"deep\":{}}}", deep(700))).unwrap();
    for _ in 0..50 {
        agent.create_message(json!({ "text": "x", "metadata": metadata })).await;
    }
    crate::accounts::request_log::wait_for_log(&person, 50).await;
    assert_bounded(&person, "/logs", "the log").await;
    assert_bounded(&person, &format!("/status/{}", agent.channel), "the status").await;
}

#[tokio::test]
async fn the_largest_forms_and_lists_render_within_bounds() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let options: Vec<String> = (0..100).map(|n| format!("&{n}")).collect();
    let field = |n: usize| json!({ "name": format!("<{n}"), "type": "select", "options": options });
    let form = json!({ "fields": (0..60).map(field).collect::<Vec<_>>() });
    let item = |n: usize| json!({ "id": format!("{n}"), "label": "&".repeat(60) });
    let selection = json!({ "mode": "multi", "items": (0..500).map(item).collect::<Vec<_>>() });
    for (kind, payload) in [("form", form), ("selection", selection)] {
        let review_id = agent.create_message(json!({ "review": { "type": kind, "payload": payload } })).await;
        assert_bounded(&person, &format!("/reviews/{review_id}"), kind).await;
    }
    for unit in ["#", "> \n", "`", " ", "\n", "**"] {
        agent.create_message(json!({ "text": unit.repeat(LONG_TEXT / unit.len()) + "x", "review": review() })).await;
    }
    assert_bounded(&person, "/", "the inbox").await;
    assert_bounded(&person, "/?q=nothing+here", "a search").await;
    let tables = ["\",\n".repeat(20_000), "a,".repeat(30_000), "\"".repeat(60_000), "a;b\n".repeat(15_000)];
    for table in tables {
        let file = agent.upload("store", "t.csv", "text/csv", table).await.expect(201);
        assert_bounded(&person, &format!("/files/{}", file["id"].as_str().unwrap()), "a table").await;
    }
}

async fn create_and_answer(person: &Person, agent: &Agent) -> Duration {
    let began = Instant::now();
    let review_id = agent.request_approval().await;
    person.answer(&review_id, json!({ "selectedOption": "approve" })).await.expect(201);
    began.elapsed()
}

/// Creates reviews whose pages take as long as a page may; returns their paths.
async fn hostile_reviews(agent: &Agent) -> Vec<String> {
    let mut paths = vec![];
    for unit in ["*_", "<", "> ", "1. "] {
        let text = unit.repeat(30_000 / unit.len());
        let file = |n: usize| json!({ "filename": format!("{n}.md"), "content": text, "mimeType": "text/markdown" });
        let files: Vec<Value> = (0..10).map(file).collect();
        let review_id =
            agent.create_message(json!({ "text": text, "textAttachments": files, "review": review() })).await;
        paths.push(format!("/reviews/{review_id}"));
    }
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_requests_are_served_while_hostile_pages_render() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, others) = (person.agent().await, other.agent().await);
    let paths = hostile_reviews(&agent).await;
    let mut viewers = tokio::task::JoinSet::new();
    for viewer in 0..8 {
        let (person, path) = (person.clone(), paths[viewer % paths.len()].clone());
        viewers.spawn(async move {
            loop {
                assert_eq!(person.get(&path).await.status, 200);
            }
        });
    }
    // Once this returns, the viewers are loading pages.
    person.get(&paths[0]).await;
    let mut took = vec![];
    for _ in 0..20 {
        took.push(create_and_answer(&other, &others).await);
    }
    took.sort();
    let (median, slowest) = (took[10], took[19]);
    assert!(slowest < Duration::from_secs(15), "median {median:?}, slowest {slowest:?}");
    print_slowest("create and answer under load", took.into_iter().map(|it| (it, "")).collect());
    assert!(!viewers.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_pages_stop_rendering() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, others) = (person.agent().await, other.agent().await);
    let paths = hostile_reviews(&agent).await;
    let mut leaving = tokio::task::JoinSet::new();
    for viewer in 0..100 {
        let request = person.request(Method::GET, &paths[viewer % paths.len()]);
        leaving.spawn(tokio::time::timeout(Duration::from_millis(300), request.send()));
    }
    while leaving.join_next().await.is_some() {}
    let page = format!(
        "/reviews/{}",
        others.create_message(json!({ "text": "word ".repeat(2_000), "review": review() })).await
    );
    let took = assert_bounded(&other, &page, "a page after a hundred abandoned ones").await;
    print_slowest("a page after a hundred abandoned ones", vec![(took, "")]);
}
