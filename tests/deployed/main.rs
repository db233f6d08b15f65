//! What only a deployment shows: the limits of Lambda and its gateway, what the schedule, the
//! stream and the queue bring about. `make test-sam` runs these, and all the others, there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is a failed test")]

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
async fn four_megabytes_go_up_and_come_back() {
    let (_world, _, agent) = actors().await;
    let sent = bytes(4 * MIB);
    let stored = agent.upload("store", "four.bin", "application/octet-stream", sent.clone()).await.expect(201);
    let back = agent.get(&format!("/api/v1/files/{}/download", stored["id"].as_str().unwrap())).await;
    back.expect(200);
    assert!(back.bytes == sent, "{} bytes came back", back.bytes.len());
}

#[tokio::test]
async fn what_is_too_large_for_a_function_is_told_the_way_round() {
    let (_world, _, agent) = actors().await;
    let refused = agent.upload("store", "five.bin", "application/octet-stream", bytes(5 * MIB)).await;
    let body = refused.expect_error(413, "too_large");
    assert!(body["message"].as_str().unwrap().contains("presign"), "{body}");
}

#[tokio::test]
async fn thirty_megabytes_go_straight_to_storage_and_come_from_there() {
    let (_world, _, agent) = actors().await;
    let sent = bytes(30 * MIB);
    let announcement = json!({ "channelId": agent.channel, "filename": "thirty.bin", "mimeType": "application/octet-stream", "size": sent.len() });
    let announced = agent.post("/api/v1/files/presign", announcement).await.expect(201);
    let http = reqwest::Client::new();
    let mut put = http.put(announced["upload"]["url"].as_str().unwrap()).body(sent.clone());
    for (name, value) in announced["upload"]["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    Reply::fetch(put).await.expect(200);
    let id = announced["attachment"]["id"].as_str().unwrap();
    agent.create_message(json!({ "text": "Large.", "attachmentIds": [id] })).await;
    let elsewhere = agent.get(&format!("/api/v1/files/{id}/download")).await;
    elsewhere.expect(302);
    let back = Reply::fetch(http.get(elsewhere.header("location"))).await;
    back.expect(200);
    assert!(back.bytes == sent, "{} bytes came back", back.bytes.len());
}

#[tokio::test]
async fn a_wait_of_25_seconds_comes_back() {
    let (_world, _, agent) = actors().await;
    let message = agent.request_approval().await;
    let began = Instant::now();
    let body = agent.wait(&message, 25_000).await.expect(200);
    assert_eq!(body, json!({ "status": "timeout", "message": null }));
    assert!(began.elapsed() >= Duration::from_secs(25), "{:?}", began.elapsed());
}

#[tokio::test]
async fn twenty_waits_leave_room_for_the_others_and_end_with_the_answer() {
    let (_world, person, agent) = actors().await;
    let message = agent.request_approval().await;
    let waits = tokio::spawn({
        let (agent, message) = (agent.clone(), message.clone());
        async move { join_all((0..20).map(|_| agent.wait(&message, 28_000))).await }
    });
    // The others answer while twenty hold on.
    for _ in 0..5 {
        agent.get_in_channel("/api/v1/messages").await.expect(200);
        person.get("/api/messages/reviews").await.expect(200);
        agent.create_message(json!({ "text": "Meanwhile." })).await;
    }
    assert!(!waits.is_finished(), "the waits hold on");
    person.answer(&message, json!({ "selectedOption": "approve" })).await.expect(201);
    for ended in waits.await.unwrap() {
        assert_eq!(ended.expect(200)["status"], "completed");
    }
}

#[tokio::test]
async fn scripts_of_an_origin_that_was_allowed_may_read_the_api_and_no_others() {
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

/// The person's log once it has an entry of a webhook that says this.
async fn logged(person: &Person, event: &str) -> Value {
    let patience = Instant::now() + Duration::from_secs(150);
    loop {
        let log = person.get("/api/logs?limit=100").await.expect(200);
        let of_event = |row: &&Value| row["direction"] == "outbound" && row.to_string().contains(event);
        if let Some(row) = log["data"].as_array().unwrap().iter().find(of_event) {
            return row.clone();
        }
        assert!(Instant::now() < patience, "no try to deliver {event} was made: {log}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The stream, the queue and the schedule lead where they should: the tries are made, though no
/// receiver is there that a function may call.
#[tokio::test]
async fn what_is_decided_and_what_falls_due_is_brought_to_its_webhook() {
    let (_world, person, agent) = actors().await;
    let hook = json!({ "channelId": agent.channel, "url": "https://receiver.invalid/placet" });
    agent.post("/api/v1/agents/setWebhook", hook).await.expect(200);
    let answered = agent.request_approval().await;
    person.answer(&answered, json!({ "selectedOption": "approve" })).await.expect(201);
    let row = logged(&person, "review:responded").await;
    assert_eq!(row["path"], "https://receiver.invalid/placet", "{row}");
    let review = json!({ "type": "approval", "expiresInSeconds": 1 });
    agent.create_message(json!({ "text": "Soon over.", "review": review })).await;
    logged(&person, "review:expired").await;
}
