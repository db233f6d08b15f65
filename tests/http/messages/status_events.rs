//! Status events of streams: before and during a stream, their order, and their limits.

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;
use test_support::{Reply, World};

use crate::messages::streams::{status, stream_message, update};

#[tokio::test]
async fn status_events_may_precede_the_stream_and_are_indexed_from_0() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let first = status(&agent, "s", json!({ "text": "Reading" })).await.expect(201);
    let created = first["createdAt"].clone();
    assert_eq!(
        first,
        json!({ "channelId": agent.channel, "streamId": "s", "index": 0, "text": "Reading", "toolHint": false, "createdAt": created })
    );
    let second = status(&agent, "s", json!({ "text": "grep", "toolHint": true })).await.expect(201);
    let sent = agent.send(stream_message("s", "So far")).await.expect(201);
    assert_eq!(sent["statusEvents"], json!([first, second]));
    let third = status(&agent, "s", json!({ "text": "Writing" })).await.expect(201);
    assert_eq!((&third["index"], &second["toolHint"]), (&json!(2), &json!(true)));

    let all = json!([first, second, third]);
    let path = format!("/api/v1/messages/{}", sent["id"].as_str().unwrap());
    assert_eq!(agent.get_in_channel(&path).await.expect(200)["statusEvents"], all);
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"][0]["statusEvents"], all);
    assert_eq!(update(&agent, "s", json!({ "complete": true })).await.expect(200)["statusEvents"], all);
}

#[tokio::test]
async fn concurrent_status_events_have_indexes_without_gaps() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let words: Vec<String> = (0..24).map(|number| format!("step {number}")).collect();
    let events = join_all(words.iter().map(|word| status(&agent, "s", json!({ "text": word }))));
    let (replies, sent) = tokio::join!(events, agent.send(stream_message("s", "x")));
    let id = sent.expect(201)["id"].as_str().unwrap().to_owned();
    let events = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200)["statusEvents"].clone();
    let events = events.as_array().unwrap();
    assert_eq!(events.len(), words.len());
    for reply in &replies {
        let event = reply.expect(201);
        assert_eq!(events[event["index"].as_u64().unwrap() as usize], event);
    }
    let mut texts: Vec<_> = events.iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    let mut words = words;
    words.sort();
    assert_eq!(texts, words);
}

#[tokio::test]
async fn status_events_are_bounded() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    assert_eq!(status(&agent, "s", json!({ "text": "a".repeat(2001) })).await.expect_invalid(), ["text"]);
    assert_eq!(status(&agent, "s", json!({ "toolHint": 1 })).await.expect_invalid(), ["text", "toolHint"]);
    status(&agent, "s", json!({ "text": "\u{0}é" })).await.expect(201);
    agent.send(stream_message("s", "a")).await.expect(201);
    for stream in ["s", "early"] {
        let mut last = 0;
        while last == 0 || last == 201 {
            last = status(&agent, stream, json!({ "text": "é".repeat(2000) })).await.status;
        }
        assert_eq!(last, 413);
        // A short event still fits.
        status(&agent, stream, json!({ "text": "short" })).await.expect(201);
    }
    let many = (0..205).map(|_| status(&agent, "many", json!({ "text": "a" })));
    let many: Vec<Reply> = stream::iter(many).buffer_unordered(8).collect().await;
    assert_eq!(many.iter().filter(|reply| reply.status == 201).count(), 200);
    assert_eq!(many.iter().filter(|reply| reply.status == 413).count(), 5);
    agent.send(stream_message("many", "a")).await.expect(201);
    status(&agent, "many", json!({ "text": "a" })).await.expect_error(413, "too_large");
}
