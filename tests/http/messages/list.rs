//! Pages of messages: during concurrent writes, of empty searches, and within the size of a response.

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use test_support::{Agent, World, bulk_data};

/// Reads all pages of a list; returns the ids in order and the number of pages.
async fn all_pages(agent: &Agent, path: &str) -> (Vec<String>, usize) {
    let (mut seen, mut cursor, mut pages) = (vec![], String::new(), 0);
    loop {
        let page = agent.get_in_channel(&format!("{path}&cursor={cursor}")).await.expect(200);
        pages += 1;
        seen.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return (seen, pages),
        }
    }
}

async fn send_many(agent: &Agent, count: usize, text: &str) -> Vec<String> {
    let sends = (0..count).map(|_| agent.create_message(json!({ "text": text })));
    stream::iter(sends).buffer_unordered(16).collect().await
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_messages_arrive() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let mut sent = vec![];
    for number in 0..7 {
        sent.push(agent.create_message(json!({ "text": format!("{number}") })).await);
    }
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let page = agent.get_in_channel(&format!("/api/v1/messages?limit=3&cursor={cursor}")).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        agent.create_message(json!({ "text": "meanwhile" })).await;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    sent.reverse();
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn a_full_last_page_has_no_cursor() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for _ in 0..3 {
        agent.create_message(json!({ "text": "a" })).await;
    }
    let page = agent.get_in_channel("/api/v1/messages?limit=3").await.expect(200);
    assert_eq!((page["data"].as_array().unwrap().len(), &page["nextCursor"]), (3, &Value::Null));
}

#[tokio::test]
async fn search_is_a_case_insensitive_substring_and_attachments_can_be_asked_for() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    agent.create_message(json!({ "text": "Größe ÜBERALL" })).await;
    agent.create_message(json!({ "text": "something else" })).await;
    let held = agent.create_message(json!({ "textAttachments": [{ "content": "überall" }] })).await;
    let found = agent.get_in_channel("/api/v1/messages?search=%C3%BCberall").await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["text"], "Größe ÜBERALL");
    let found = agent.get_in_channel("/api/v1/messages?has_attachments=true").await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["id"], held);
}

#[tokio::test]
async fn a_list_of_bad_parameters_names_each() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let reply = agent.get("/api/v1/messages?limit=0&cursor=x&has_attachments=maybe").await;
    assert_eq!(reply.expect_invalid(), ["channel", "limit", "cursor", "has_attachments"]);
}

#[tokio::test]
async fn a_page_of_large_messages_fits_a_lambda_response() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for _ in 0..25 {
        agent.create_message(json!({ "text": "a".repeat(200 * 1024) })).await;
    }
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let reply = agent.get_in_channel(&format!("/api/v1/messages?limit=100&cursor={cursor}")).await;
        assert!(reply.bytes.len() < 6 * 1024 * 1024);
        let page = reply.expect(200);
        seen += page["data"].as_array().unwrap().len();
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(seen, 25);
}

#[tokio::test]
async fn pages_hold_every_message_once_during_concurrent_writes() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let mut before = send_many(&agent, 120, "before").await;
    let writing = send_many(&agent, 150, "meanwhile");
    let reading = async {
        let mut readings = vec![];
        for _ in 0..3 {
            readings.push(all_pages(&agent, "/api/v1/messages?limit=7").await.0);
        }
        readings
    };
    let (_, readings) = tokio::join!(writing, reading);
    before.sort();
    for mut seen in readings {
        assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first and none twice");
        seen.retain(|id| before.binary_search(id).is_ok());
        assert_eq!(seen.len(), before.len(), "none is skipped");
    }
}

#[tokio::test]
async fn an_empty_search_returns_a_cursor_and_ends() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    send_many(&agent, 2500, "hay").await;
    let page = agent.get_in_channel("/api/v1/messages?search=needle").await;
    assert!(page.cost().calls <= 11, "{:?}", page.cost());
    let page = page.expect(200);
    assert_eq!(page["data"], json!([]));
    assert!(page["nextCursor"].is_string());
    assert_eq!(all_pages(&agent, "/api/v1/messages?search=needle").await, (vec![], 2));
    // Old matches are found, too, by a later page.
    let (found, _) = all_pages(&agent, "/api/v1/messages?search=HAY&limit=100").await;
    assert_eq!(found.len(), 2500);
}

#[tokio::test]
async fn limits_are_1_to_100() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    send_many(&agent, 101, "x").await;
    for (limit, shown) in [("1", 1), ("100", 100), ("", 50)] {
        let page = agent.get_in_channel(&format!("/api/v1/messages?limit={limit}")).await.expect(200);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(shown));
        assert_ne!(page["nextCursor"], Value::Null);
    }
    for limit in ["0", "101", "-1", "1.5", "x"] {
        let refused = agent.get_in_channel(&format!("/api/v1/messages?limit={limit}")).await;
        assert_eq!(refused.expect_invalid(), ["limit"], "{limit}");
    }
}

/// The largest response of a Lambda function, with the body as a JSON string.
const MAX_LAMBDA_RESPONSE: usize = 6 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_fit_a_response_whatever_is_in_them_and_the_cursor_goes_on_where_they_end() {
    const COUNT: usize = 120;
    let world = World::start().await;
    let person = world.person().await;
    let quotes = "\"".repeat(20 * 1024);
    let texts = json!([{ "content": "\u{1}\"\n".repeat(20 * 1024) }]);
    for message in [
        json!({ "text": "x\u{1}\"".repeat(20 * 1024) }),
        json!({ "text": "x", "metadata": { "quotes": quotes } }),
        json!({ "text": "x", "review": { "type": "freeform", "payload": { "quotes": quotes } } }),
        json!({ "text": "x", "textAttachments": texts }),
    ] {
        let agent = person.agent().await;
        bulk_data::copy_messages(&world, &[&agent.create_message(message).await], COUNT - 1).await;
        for path in ["/api/v1/messages?limit=100", "/api/v1/messages?limit=100&search=X"] {
            assert_eq!(count_in_fitting_pages(&agent, path).await, COUNT, "{path}");
        }
    }
}

/// Asserts that every page of a list fits a response; returns the number of messages.
async fn count_in_fitting_pages(agent: &Agent, path: &str) -> usize {
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let reply = agent.get_in_channel(&format!("{path}&cursor={cursor}")).await;
        let page = reply.expect(200);
        let size = serde_json::to_string(&reply.text()).unwrap().len();
        assert!(size < MAX_LAMBDA_RESPONSE, "{size} bytes, like {}", page["data"][0].to_string().split_at(500).0);
        seen.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first and none twice");
    seen.len()
}
