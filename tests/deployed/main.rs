//! Tests that only a deployment can run: limits of Lambda and its gateway, and invocations by the
//! schedule, the stream and the queue. `make test-sam` runs them after the HTTP tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

mod sockets;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

const MIB: usize = 1024 * 1024;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 % 251) as u8).collect()
}

async fn actors() -> (World, Person, Agent) {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    (world, person, agent)
}

#[tokio::test]
async fn a_file_of_four_megabytes_is_uploaded_and_downloaded() {
    let (_world, _, agent) = actors().await;
    let sent = bytes(4 * MIB);
    let stored = agent.upload("store", "four.bin", "application/octet-stream", sent.clone()).await.expect(201);
    let downloaded = agent.get(&format!("/api/v1/files/{}/download", stored["id"].as_str().unwrap())).await;
    downloaded.expect(200);
    assert!(downloaded.bytes == sent, "{} bytes were downloaded", downloaded.bytes.len());
}

#[tokio::test]
async fn an_upload_over_the_limit_names_the_presign_route() {
    let (_world, _, agent) = actors().await;
    let refused = agent.upload("store", "five.bin", "application/octet-stream", bytes(5 * MIB)).await;
    let body = refused.expect_error(413, "too_large");
    assert!(body["message"].as_str().unwrap().contains("presign"), "{body}");
}

/// Uploads a file to storage; returns its id.
async fn announce_and_put(agent: &Agent, name: &str, sent: Vec<u8>) -> String {
    let kind = "application/octet-stream";
    let announcement = json!({ "channelId": agent.channel, "filename": name, "mimeType": kind, "size": sent.len() });
    let announced = agent.post("/api/v1/files/presign", announcement).await.expect(201);
    let mut put = reqwest::Client::new().put(announced["upload"]["url"].as_str().unwrap()).body(sent);
    for (name, value) in announced["upload"]["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    Reply::fetch(put).await.expect(200);
    announced["attachment"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_of_thirty_megabytes_is_uploaded_to_and_downloaded_from_storage() {
    let (_world, _, agent) = actors().await;
    let sent = bytes(30 * MIB);
    let id = announce_and_put(&agent, "thirty.bin", sent.clone()).await;
    agent.create_message(json!({ "text": "Large.", "attachmentIds": [id] })).await;
    let redirect = agent.get(&format!("/api/v1/files/{id}/download")).await;
    redirect.expect(302);
    let downloaded = Reply::fetch(reqwest::Client::new().get(redirect.header("location"))).await;
    downloaded.expect(200);
    assert!(downloaded.bytes == sent, "{} bytes were downloaded", downloaded.bytes.len());
}

/// The emulator ends a function at its timeout.
#[tokio::test]
async fn an_archive_at_its_limit_is_made_in_time() {
    let (_world, person, agent) = actors().await;
    let mut ids = vec![];
    for name in ["a.bin", "b.bin"] {
        ids.push(announce_and_put(&agent, name, bytes(100_000_000)).await);
    }
    let made = person.post("/api/files/bulk-download", json!({ "ids": ids })).await;
    made.expect(303);
    let archive = Reply::fetch(reqwest::Client::new().get(made.header("location"))).await;
    archive.expect(200);
    assert!(archive.bytes.len() > 200_000_000, "{} bytes", archive.bytes.len());
}

#[tokio::test]
async fn a_wait_of_25_seconds_returns() {
    let (_world, _, agent) = actors().await;
    let message = agent.request_approval().await;
    let began = Instant::now();
    let body = agent.wait(&message, 25_000).await.expect(200);
    assert_eq!(body, json!({ "status": "timeout", "message": null, "pollAfterMs": 0 }));
    assert!(began.elapsed() >= Duration::from_secs(25), "{:?}", began.elapsed());
}

#[tokio::test]
async fn twenty_waits_leave_capacity_for_other_calls_and_return_the_answer() {
    let (_world, person, agent) = actors().await;
    let message = agent.request_approval().await;
    let waits = tokio::spawn({
        let (agent, message) = (agent.clone(), message.clone());
        async move { join_all((0..20).map(|_| agent.wait(&message, 28_000))).await }
    });
    // Other calls are answered while twenty waits are held.
    for _ in 0..5 {
        agent.get_in_channel("/api/v1/messages").await.expect(200);
        person.get("/api/messages/reviews").await.expect(200);
        agent.create_message(json!({ "text": "Meanwhile." })).await;
    }
    assert!(!waits.is_finished(), "the waits are held");
    person.answer(&message, json!({ "selectedOption": "approve" })).await.expect(201);
    for ended in waits.await.unwrap() {
        assert_eq!(ended.expect(200)["status"], "completed");
    }
}

#[tokio::test]
async fn only_scripts_of_an_allowed_origin_may_read_the_api() {
    let (_world, _, agent) = actors().await;
    let allowed = std::env::var("PLACET_TEST_ORIGIN").expect("the origin that the deployment allows");
    // The emulator answers preflights itself.
    let read = async |origin: &str| {
        let reply = Reply::fetch(agent.request(Method::GET, "/api/v1/agents").header("Origin", origin)).await;
        reply.expect(200);
        reply.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(read(&allowed).await, allowed);
    assert_eq!(read("https://elsewhere.example.com").await, "");
}

/// The gateway decodes paths before it hands them over.
#[tokio::test]
async fn reserved_characters_of_a_path_reach_the_function() {
    let (_world, _, agent) = actors().await;
    for (name, path) in [
        ("a#b", "a%23b"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("é {\"}\\", "%C3%A9%20%7B%22%7D%5C"),
    ] {
        let path = format!("/api/v1/messages/streams/{path}/status?a=b");
        let event = agent.post(&path, json!({ "channelId": agent.channel, "text": "x" })).await.expect(201);
        assert_eq!(event["streamId"], name);
    }
    // Dots lead to no other function's routes and to no other host.
    for path in ["/api/v1/messages/..%2Fagents", "/api/v1/messages/..%2F..%2Fetc", "/..%2F..%2Fetc/passwd"] {
        agent.get(path).await.expect_error(404, "not_found");
    }
}

/// Waits until the person's log has an attempt to deliver this event; returns the entry.
async fn wait_for_attempt(person: &Person, event: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let log = person.get("/api/logs?limit=100").await.expect(200);
        let of_event = |row: &&Value| row["direction"] == "outbound" && row.to_string().contains(event);
        if let Some(row) = log["data"].as_array().unwrap().iter().find(of_event) {
            return row.clone();
        }
        assert!(Instant::now() < deadline, "no attempt to deliver {event}: {log}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The stream, the queue and the schedule invoke their functions: attempts are logged, although the
/// receiver does not exist.
#[tokio::test]
async fn answers_and_expiries_reach_their_webhooks() {
    let (_world, person, agent) = actors().await;
    let webhook = json!({ "channelId": agent.channel, "url": "https://receiver.invalid/placet" });
    agent.post("/api/v1/agents/setWebhook", webhook).await.expect(200);
    let answered = agent.request_approval().await;
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    let row = wait_for_attempt(&person, "review:responded").await;
    assert_eq!(row["path"], "https://receiver.invalid/placet", "{row}");
    let review = json!({ "type": "approval", "expiresInSeconds": 1 });
    agent.create_message(json!({ "text": "Expires soon.", "review": review })).await;
    wait_for_attempt(&person, "review:expired").await;
}
